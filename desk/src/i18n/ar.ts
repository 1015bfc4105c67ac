import { type Catalogue, en } from "./en";

export const ar: Catalogue = en;
