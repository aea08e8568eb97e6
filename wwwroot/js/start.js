/** Starts the owner's circuit. Enhanced navigation stays off: it would fetch the page anew for another fragment of its address (a permalink, the skip link), and put empty placeholders where Stage draws. */
Blazor.start({ ssr: { disableDomPreservation: true } });

/** A menu that the mouse has opened leaves the focus on its button, where MudBlazor does not hear Esc. */
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" ? document.querySelector(".mud-popover-open .mud-menu-list-wrapper") : null;
  if (menu === null || menu.contains(event.target)) return;
  event.preventDefault();
  menu.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
});
