/** The languages that desk and widget speak. */

export const LANGUAGES = { en: "English", ar: "العربية", fa: "فارسی", id: "Bahasa Indonesia" } as const;
export type Language = keyof typeof LANGUAGES;

export function isRightToLeft(language: Language): boolean {
  return language === "ar" || language === "fa";
}

/** A language with its region, as this browser's person writes dates and numbers: `en-GB` for `en`. */
export function localeOf(language: Language): string {
  return navigator.languages.find((tag) => tag.toLowerCase().startsWith(`${language}-`)) ?? language;
}

/** The first of these languages that we have. */
export function choose(wanted: readonly (string | null | undefined)[]): Language {
  for (const tag of wanted) {
    const base = (tag ?? "").toLowerCase().split("-")[0] ?? "";
    if (base in LANGUAGES) return base as Language;
    if (base === "in") return "id";
  }
  return "en";
}
