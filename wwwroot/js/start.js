/** Starts the owner's circuit. Enhanced navigation stays off: it would fetch the page anew for another fragment of its address (a permalink, the skip link), and put empty placeholders where Stage draws. */
Blazor.start({ ssr: { disableDomPreservation: true } });
