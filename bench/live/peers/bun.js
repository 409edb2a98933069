// Bun's server, which is uWebSockets: one topic, a message for each `go`.
const message = "x".repeat(Number(process.env.MESSAGE_BYTES));
const server = Bun.serve({
  port: Number(process.env.PORT),
  hostname: "127.0.0.1",
  fetch: (request, server) => (server.upgrade(request) ? undefined : new Response("", { status: 400 })),
  websocket: {
    perMessageDeflate: false,
    open: (socket) => socket.subscribe("all"),
    message: (socket) => {
      socket.unsubscribe("all");
      server.publish("all", message);
    },
  },
});
