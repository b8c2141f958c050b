// The pages of review: one item at a time (`desk.js`), and accepting many at once (`batch.js`).
import { batches } from "./batch.js";
import { Desk } from "./desk.js";

const desk = document.getElementById("review");
if (desk) new Desk(desk).begin();
const form = document.getElementById("batch");
if (form) batches(form);
