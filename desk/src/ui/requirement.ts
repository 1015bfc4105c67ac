import { t } from "../i18n";
import type { App } from "../desk/app";

/** What is required of whoever takes a contact, in words: skills with their levels, or for whom alone it is; "" for nothing. */
export function requirementWords(requirement: string, app: App): string {
  if (requirement === `@${app.me}`) return t("offer.for_you");
  if (requirement.startsWith("@")) return t("offer.for_agent", { name: app.nameOf(requirement.slice(1)) });
  return requirement.replaceAll("+", ", ").replaceAll(".", " ");
}
