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
 * MudBlazor hears Esc only where the focus is: a menu that the mouse has opened leaves it on its button, and a dialog that has just been opened hears
 * nothing until its script is connected and the focus has come. So an Esc from elsewhere goes to what lies on top, again while that is on its way.
 */
const AGAIN_AFTER = 100, TRIES = 20;

function escape(top, tries) {
  if (!top.isConnected || tries === 0) return;
  top.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
  setTimeout(() => escape(top, tries - 1), AGAIN_AFTER);
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !event.isTrusted) return;
  const top = document.querySelector(".mud-popover-open .mud-menu-list-wrapper") ?? [...document.querySelectorAll(".mud-dialog")].at(-1);
  if (top === undefined || top.contains(event.target)) return;
  event.preventDefault();
  escape(top, TRIES);
});

/** In the field of a list Enter opens the list, or chooses from it. Until MudBlazor's script is connected to the field, the browser would send the whole form. */
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches?.("input[role=combobox][readonly]")) event.preventDefault();
});
