/** The page of accounts: the list, a new account, one account. The address says which. */
import { usePlace } from "../page/place";
import { mayTend } from "../page/roles";
import { type Here, startStaffPage } from "../page/Staff";
import { AccountPage } from "./AccountPage";
import { NewAccount } from "./NewAccount";
import { PeopleList } from "./PeopleList";
import "../styles/people.css";

function People(here: Here) {
  const asked = new URLSearchParams(usePlace().search);
  const login = asked.get("person");
  if (login) return <AccountPage {...here} key={login} login={login} />;
  if (asked.has("new")) return <NewAccount {...here} />;
  return <PeopleList {...here} />;
}

startStaffPage("people", People, mayTend, "people.norole");
