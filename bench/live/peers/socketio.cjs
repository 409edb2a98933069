// Socket.IO on Node: a message to everybody for each `go`.
const { Server } = require("socket.io");
const message = "x".repeat(Number(process.env.MESSAGE_BYTES));
// No signs of life while it is measured.
const server = new Server({ transports: ["websocket"], pingInterval: 600_000, pingTimeout: 600_000 });
server.on("connection", (socket) => socket.on("go", () => server.emit("m", message)));
server.listen(Number(process.env.PORT));
