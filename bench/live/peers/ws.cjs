// `ws` on Node: a message to every other client for each `go`.
const { WebSocketServer } = require("ws");
const message = "x".repeat(Number(process.env.MESSAGE_BYTES));
const server = new WebSocketServer({ port: Number(process.env.PORT), host: "127.0.0.1", perMessageDeflate: false });
server.on("connection", (socket) => {
  socket.on("message", () => {
    for (const client of server.clients) if (client !== socket) client.send(message);
  });
});
