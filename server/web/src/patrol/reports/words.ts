/** Words of a report. */
import { t } from "../../i18n";
import { type Category, nameOf } from "../report/catalogue";
import type { Issue } from "../records";

/** What a report is of: the name of its category, its code where the catalogue is not there. */
export function whatIs({ category }: Pick<Issue, "category">, found: Category | undefined): string {
  return found === undefined ? category || t("patrol.what.issues") : nameOf(found);
}
