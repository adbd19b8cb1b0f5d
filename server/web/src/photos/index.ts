/** Photos on the phone: made small, kept, and sent in the background. */

export { digest, NotAPicture, type Picture, pictureOf } from "./picture.js";
export { PLAIN, type Photo, type PhotoState, type PhotoStore, Photos, type Progress, progress, type Seal, type Taken } from "./store.js";
export { type Sender, type Uploaded, Uploader, type UploaderOptions } from "./uploading.js";
