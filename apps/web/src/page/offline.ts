// The service worker, which keeps the page for use without a network, and its updates.
import { button, byId, say } from "./elements";
import { runtimeBuild } from "./fitness";

/** Keeps the page in the browser, and offers a newer one when there is one. */
export async function keepOffline(): Promise<void> {
  if (!("serviceWorker" in navigator)) return;
  try {
    const registration = await navigator.serviceWorker.register("./service_worker.js");
    offer(registration);
    registration.addEventListener("updatefound", () => {
      const coming = registration.installing;
      coming?.addEventListener("statechange", () => offer(registration));
    });
    await isKept(registration);
    await keepRuntime();
    say(byId("offline"), "Kept in this browser: it works without a network, too.");
  } catch {
    // In a private window, or where the browser's store is full: the page works all the same.
    say(byId("offline"), "This browser did not keep the page: it needs the network next time.");
  }
}

/** Waits until a service worker has kept the page; throws if the first one could not. */
async function isKept({ active, installing }: ServiceWorkerRegistration): Promise<unknown> {
  // `ready` alone would wait for ever for one that could not keep a file.
  if (active || !installing) return navigator.serviceWorker.ready;
  return new Promise((resolve, reject) =>
    installing.addEventListener("statechange", () => {
      if (installing.state === "activated") resolve(null);
      if (installing.state === "redundant") reject(new Error("a file could not be kept"));
    }),
  );
}

/** Keeps the build of LiteRT.js that this browser uses, where it is not the usual one. */
async function keepRuntime(): Promise<void> {
  const build = runtimeBuild();
  if (build === "internal") return;
  // At each visit, for a newer page may have a newer one; what has not changed is not sent again.
  const cache = await caches.open("litert"); // vite.config.ts has the name, too
  await cache.addAll(["js", "wasm"].map((kind) => `./litert/litert_wasm_${build}.${kind}`));
}

function offer(registration: ServiceWorkerRegistration): void {
  const { waiting } = registration;
  // The first one has no page to replace.
  if (!waiting || !navigator.serviceWorker.controller) return;
  const reload = button("quiet", "Use it now", () => {
    navigator.serviceWorker.addEventListener("controllerchange", () => location.reload());
    waiting.postMessage({ type: "SKIP_WAITING" });
  });
  byId("update").replaceChildren("There is a newer version of this page. ", reload);
  byId("update").hidden = false;
}
