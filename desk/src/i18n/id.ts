import { type Catalogue, en } from "./en";

export const id: Catalogue = en;
