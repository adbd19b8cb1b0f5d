/** Starts the duty page, for those who receive, verify, file and dispatch. */
import { mayDispatch } from "../page/Header";
import { startStaffPage } from "../page/Staff";
import { Duty } from "./Duty";

startStaffPage("duty", Duty, mayDispatch, "duty.norole");
