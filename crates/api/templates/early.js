/* Opens the socket of what a page follows while the program is still on its way, which takes it over
   (web/src/early.ts). Not where another tab has one for both, nor where nobody looks. */
{
  const open = () => {
    const socket = new WebSocket(location.origin.replace(/^http/, "ws") + "/v1/live");
    socket.heard = [];
    socket.onmessage = (event) => socket.heard.push(event);
    self.early = socket;
    setTimeout(() => self.early === socket && socket.close(), 15000);
  };
  const { locks } = navigator;
  const mine = (it) => it.name.endsWith(" " + location.origin + " ");
  if (document.visibilityState === "visible") {
    locks ? locks.query().then(({ held }) => held.some(mine) || open(), open) : open();
  }
}
