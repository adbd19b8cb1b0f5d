/** Words of a visit. */
import { tData } from "../../i18n";
import type { Outcome } from "../records";

export function outcomeWords(outcome: Outcome): string {
  return tData("choice.outcome", outcome);
}

/** Phrases of needs, as people of the field say them; what is entered is the phrase. */
export const NEEDS = ["独居老人", "看病用药", "上门照护", "低保救助", "就业", "子女上学", "房屋修缮", "水电燃气", "邻里纠纷", "消防隐患"] as const;
