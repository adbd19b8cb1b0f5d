/** Starts the desk of a handling body. */
import { mayHandle } from "../page/Header";
import { startStaffPage } from "../page/Staff";
import { Desk } from "./Desk";

startStaffPage("desk", Desk, mayHandle, "desk.norole");
