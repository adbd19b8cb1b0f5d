/** The marks beside a phone: what about it somebody should look at. */
import type { Device } from "../api/support";
import { t } from "../i18n";

export function gapsOf(device: Device): number {
  return device.gaps.reduce((sum, [from, to]) => sum + to - from + 1, 0);
}

export function Concerns({ device }: { device: Device }) {
  const marks: string[] = [];
  if (device.wiped_at) marks.push(t("concern.wiped"));
  else if (device.wipe_ordered_at) marks.push(t("concern.wiping"));
  else if (device.revoked_at) marks.push(t("concern.revoked"));
  if (device.left_at) marks.push(t("concern.left"));
  if (device.silent) marks.push(t("concern.silent"));
  if (device.skewed) marks.push(t("concern.skewed"));
  if (device.old_app) marks.push(t("concern.old_app"));
  return (
    <span class="marks">
      {marks.map((mark) => <span key={mark} class="mark">{mark}</span>)}
    </span>
  );
}
