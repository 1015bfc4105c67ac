import { type Catalogue, en } from "./en";

export const fa: Catalogue = en;
