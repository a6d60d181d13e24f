// The page is drawn here; see protocol.ts for what it says to its worker.
new Worker(new URL("./worker.ts", import.meta.url));
