/**
 * Starts the owner's circuit. Enhanced navigation stays off: it would fetch the page anew for another fragment of its address (a permalink, the skip
 * link), and put empty placeholders where Stage draws. When the server is out of reach, one quiet sentence says so in place of Blazor's box over all.
 */
const PAUSES = [0, 1000, 2000, 5000];

const show = (lost) => (document.getElementById("circuit-lost").hidden = !lost);

async function reconnect() {
  show(true);
  for (let attempt = 0; ; attempt++) {
    await new Promise((resolve) => setTimeout(resolve, PAUSES[Math.min(attempt, PAUSES.length - 1)]));
    try {
      if (await Blazor.reconnect()) return show(false);
    } catch {
      continue; // still out of reach
    }
    // It is there and knows nothing of this page any more: it has been started anew.
    location.reload();
    return;
  }
}

Blazor.start({
  ssr: { disableDomPreservation: true },
  circuit: { reconnectionHandler: { onConnectionDown: () => void reconnect(), onConnectionUp: () => show(false) } },
});

/** A menu that the mouse has opened leaves the focus on its button, where MudBlazor does not hear Esc. */
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" ? document.querySelector(".mud-popover-open .mud-menu-list-wrapper") : null;
  if (menu === null || menu.contains(event.target)) return;
  event.preventDefault();
  menu.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
});
