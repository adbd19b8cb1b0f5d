/**
 * The service worker of the patrol app: it keeps the app whole on the phone, so that it opens without a network.
 *
 * Owns the app's own files and no data: what the server says goes to IndexedDB, never through here. A new version waits
 * until the app says that nothing is being entered.
 */
import { cleanupOutdatedCaches, createHandlerBoundToURL, precacheAndRoute } from "workbox-precaching";
import { NavigationRoute, registerRoute } from "workbox-routing";
import { TAKE_OVER } from "./shell/takeOver";

declare const self: typeof globalThis & {
  readonly __WB_MANIFEST: { readonly url: string; readonly revision: string | null }[];
  skipWaiting(): Promise<void>;
};

precacheAndRoute([...self.__WB_MANIFEST]);
cleanupOutdatedCaches();
registerRoute(new NavigationRoute(createHandlerBoundToURL("/patrol"), { allowlist: [/^\/patrol$/] }));

self.addEventListener("message", (event) => {
  if ((event as MessageEvent).data === TAKE_OVER) void self.skipWaiting();
});
