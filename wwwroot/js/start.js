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

/**
 * MudBlazor hears Esc only where the focus is: a menu that the mouse has opened leaves it on its button, and a dialog has it a moment after it is
 * seen. So Esc goes to what lies on top.
 */
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const top = document.querySelector(".mud-popover-open .mud-menu-list-wrapper") ?? [...document.querySelectorAll("[role=dialog].mud-dialog")].at(-1);
  if (top === undefined || top.contains(event.target)) return;
  event.preventDefault();
  top.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
});
