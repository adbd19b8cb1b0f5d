/** Starts the patrol app. The address that stands in QR codes leads here. */
import { render } from "preact";
import { markDocument } from "../i18n";
import { App } from "./App";
import { applyTextSize } from "./me/textSize";
import { watchRoom } from "./shell/room";
import { keepAppWhole } from "./shell/updates";
import "../styles/base.css";
import "../styles/patrol.css";

if (location.pathname !== "/patrol") location.replace(`/patrol${location.hash}`);
else {
  markDocument("patrol.title");
  applyTextSize();
  watchRoom();
  render(<App />, document.getElementById("app") as HTMLElement);
  if (isSecureContext) keepAppWhole().catch((error: unknown) => console.warn(error));
}
