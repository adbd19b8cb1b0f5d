/** Sends a photo of a case as staff, by whatever was taken or chosen; told by its id, which a step then names. */
import { tellFile } from "../api/client";
import { uuid7 } from "../sync/ids";

export function newId(): string {
  return uuid7(Date.now(), (bytes) => void crypto.getRandomValues(bytes));
}

/** Sending the same id again, after an answer was lost, is the same photo. */
export async function sendPhoto(issueId: string, fileId: string, file: File): Promise<void> {
  await tellFile(`/v1/files/issues/${issueId}/${fileId}`, file);
}
