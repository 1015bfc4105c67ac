/** Every text of the widget, and how it says times, in the language of the page it stands on. */

import { formatMessage, type Values } from "../i18n/messages";
import { isRightToLeft, type Language, localeOf } from "../i18n/languages";

const en = {
  title: "Chat with us",
  open: "Open the chat",
  open_unread: "Open the chat, {count, plural, one {# new message} other {# new messages}}",
  close: "Close the chat",
  loading: "Loading…",
  unreachable: "The chat cannot be reached just now. It tries again by itself.",
  refused: "The chat is not available on this page.",
  identity: "Your sign-in on this site has ended. Sign in again to go on chatting.",
  cut_off: "No connection. What you write is sent as soon as it is back.",
  try_now: "Try now",
  closed: "Nobody is here right now. Leave a message: the answer will stand here when you come back.",
  intro: "Tell us who you are, then write to us.",
  "field.name": "Your name",
  "field.email": "E-mail address",
  "field.phone": "Phone number",
  "field.language": "Language",
  "field.message": "Your message",
  phone_hint: "So that we can call you back.",
  optional: "optional",
  not_taken: "That was not taken. Check what you wrote.",
  begin: "Start the chat",
  leave: "Leave the message",
  log: "Messages",
  beginning: "This is where it began",
  empty: "Write to us. We answer here.",
  earlier: "Earlier messages",
  waiting: "We will be with you as soon as we can.",
  assigned: "You are talking with {name}.",
  ended: "This conversation has ended. Write to begin a new one.",
  you: "You",
  us: "Us",
  said: "{name} says: {text}",
  typing: "{name} is writing…",
  typing_us: "Somebody is writing…",
  sending: "Sending…",
  on_its_way: "Waits for the connection",
  sent: "Sent",
  seen: "Read",
  edited: "edited",
  deleted: "This message was deleted.",
  place: "A place",
  unshown: "This cannot be shown here.",
  reply: "Reply",
  in_answer: "In answer to:",
  no_reply: "Do not answer this message",
  failed: "Not sent.",
  again: "Send again",
  discard: "Discard",
  write: "Write a message",
  send: "Send",
  attach: "Attach a file",
  remove: "Remove {name}",
  uploading: "uploading…",
  too_large: "too large: at most {size}",
  wrong_kind: "this kind of file is not taken",
  upload_failed: "could not be uploaded",
  file: "File",
  file_gone: "The file could not be opened. Try again.",
} as const;

export type Key = keyof typeof en;
type Catalogue = Record<Key, string>;

const ar: Catalogue = {
  title: "تحدّث معنا",
  open: "افتح المحادثة",
  open_unread:
    "افتح المحادثة، {count, plural, zero {لا رسائل جديدة} one {رسالة جديدة واحدة} two {رسالتان جديدتان} few {# رسائل جديدة} many {# رسالة جديدة} other {# رسالة جديدة}}",
  close: "أغلق المحادثة",
  loading: "جارٍ التحميل…",
  unreachable: "تعذّر الوصول إلى المحادثة الآن. ستُعاد المحاولة تلقائيًا.",
  refused: "المحادثة غير متاحة في هذه الصفحة.",
  identity: "انتهى تسجيل دخولك إلى هذا الموقع. سجّل الدخول من جديد لمتابعة المحادثة.",
  cut_off: "لا يوجد اتصال. سيُرسَل ما تكتبه فور عودته.",
  try_now: "حاول الآن",
  closed: "لا أحد هنا الآن. اترك رسالة، وستجد الردّ هنا عندما تعود.",
  intro: "عرّفنا بنفسك ثم اكتب لنا.",
  "field.name": "اسمك",
  "field.email": "البريد الإلكتروني",
  "field.phone": "رقم الهاتف",
  "field.language": "اللغة",
  "field.message": "رسالتك",
  phone_hint: "لنتمكّن من معاودة الاتصال بك.",
  optional: "اختياري",
  not_taken: "لم يُقبل ذلك. راجع ما كتبته.",
  begin: "ابدأ المحادثة",
  leave: "اترك الرسالة",
  log: "الرسائل",
  beginning: "هنا كانت البداية",
  empty: "اكتب لنا، ونردّ عليك هنا.",
  earlier: "رسائل أقدم",
  waiting: "سنكون معك في أقرب وقت ممكن.",
  assigned: "أنت تتحدّث مع {name}.",
  ended: "انتهت هذه المحادثة. اكتب لبدء محادثة جديدة.",
  you: "أنت",
  us: "نحن",
  said: "{name} يقول: {text}",
  typing: "{name} يكتب…",
  typing_us: "أحدهم يكتب…",
  sending: "جارٍ الإرسال…",
  on_its_way: "بانتظار الاتصال",
  sent: "أُرسلت",
  seen: "قُرئت",
  edited: "معدَّلة",
  deleted: "حُذفت هذه الرسالة.",
  place: "مكان",
  unshown: "لا يمكن عرض هذا هنا.",
  reply: "ردّ",
  in_answer: "ردًّا على:",
  no_reply: "لا تردّ على هذه الرسالة",
  failed: "لم تُرسَل.",
  again: "أعد الإرسال",
  discard: "تجاهل",
  write: "اكتب رسالة",
  send: "أرسل",
  attach: "أرفق ملفًا",
  remove: "أزل {name}",
  uploading: "جارٍ الرفع…",
  too_large: "كبير جدًا: الحدّ {size}",
  wrong_kind: "هذا النوع من الملفات غير مقبول",
  upload_failed: "تعذّر رفعه",
  file: "ملف",
  file_gone: "تعذّر فتح الملف. حاول مرة أخرى.",
};

const fa: Catalogue = {
  title: "با ما گفتگو کنید",
  open: "باز کردن گفتگو",
  open_unread: "باز کردن گفتگو، {count, plural, one {# پیام تازه} other {# پیام تازه}}",
  close: "بستن گفتگو",
  loading: "در حال بارگذاری…",
  unreachable: "اکنون گفتگو در دسترس نیست. خودش دوباره تلاش می‌کند.",
  refused: "گفتگو در این صفحه در دسترس نیست.",
  identity: "ورود شما به این وب‌گاه پایان یافته است. برای ادامهٔ گفتگو دوباره وارد شوید.",
  cut_off: "اتصال برقرار نیست. آنچه می‌نویسید با برگشت آن فرستاده می‌شود.",
  try_now: "همین حالا تلاش کن",
  closed: "اکنون کسی اینجا نیست. پیام بگذارید؛ پاسخ را هنگام بازگشت همین‌جا می‌بینید.",
  intro: "خودتان را معرفی کنید و بعد برایمان بنویسید.",
  "field.name": "نام شما",
  "field.email": "نشانی ایمیل",
  "field.phone": "شمارهٔ تلفن",
  "field.language": "زبان",
  "field.message": "پیام شما",
  phone_hint: "تا بتوانیم با شما تماس بگیریم.",
  optional: "اختیاری",
  not_taken: "پذیرفته نشد. آنچه نوشته‌اید را بررسی کنید.",
  begin: "آغاز گفتگو",
  leave: "گذاشتن پیام",
  log: "پیام‌ها",
  beginning: "از اینجا آغاز شد",
  empty: "برایمان بنویسید. همین‌جا پاسخ می‌دهیم.",
  earlier: "پیام‌های پیشین",
  waiting: "در نخستین فرصت پاسخ می‌دهیم.",
  assigned: "با {name} گفتگو می‌کنید.",
  ended: "این گفتگو پایان یافت. برای آغاز گفتگوی تازه بنویسید.",
  you: "شما",
  us: "ما",
  said: "{name} می‌گوید: {text}",
  typing: "{name} در حال نوشتن است…",
  typing_us: "کسی در حال نوشتن است…",
  sending: "در حال فرستادن…",
  on_its_way: "در انتظار اتصال",
  sent: "فرستاده شد",
  seen: "خوانده شد",
  edited: "ویرایش‌شده",
  deleted: "این پیام پاک شد.",
  place: "یک مکان",
  unshown: "این را نمی‌توان اینجا نشان داد.",
  reply: "پاسخ",
  in_answer: "در پاسخ به:",
  no_reply: "به این پیام پاسخ نده",
  failed: "فرستاده نشد.",
  again: "دوباره بفرست",
  discard: "دور بینداز",
  write: "پیام بنویسید",
  send: "بفرست",
  attach: "پیوست کردن پرونده",
  remove: "برداشتن {name}",
  uploading: "در حال بارگذاری…",
  too_large: "بسیار بزرگ است: حداکثر {size}",
  wrong_kind: "این نوع پرونده پذیرفته نمی‌شود",
  upload_failed: "بارگذاری نشد",
  file: "پرونده",
  file_gone: "پرونده باز نشد. دوباره تلاش کنید.",
};

const id: Catalogue = {
  title: "Ngobrol dengan kami",
  open: "Buka obrolan",
  open_unread: "Buka obrolan, {count, plural, other {# pesan baru}}",
  close: "Tutup obrolan",
  loading: "Memuat…",
  unreachable: "Obrolan sedang tidak dapat dijangkau. Akan dicoba lagi dengan sendirinya.",
  refused: "Obrolan tidak tersedia di halaman ini.",
  identity: "Sesi masuk Anda di situs ini telah berakhir. Masuk lagi untuk melanjutkan obrolan.",
  cut_off: "Tidak ada koneksi. Tulisan Anda dikirim begitu koneksi kembali.",
  try_now: "Coba sekarang",
  closed: "Saat ini tidak ada petugas. Tinggalkan pesan: jawabannya ada di sini saat Anda kembali.",
  intro: "Beri tahu kami siapa Anda, lalu tulis kepada kami.",
  "field.name": "Nama Anda",
  "field.email": "Alamat email",
  "field.phone": "Nomor telepon",
  "field.language": "Bahasa",
  "field.message": "Pesan Anda",
  phone_hint: "Agar kami dapat menelepon Anda kembali.",
  optional: "opsional",
  not_taken: "Tidak diterima. Periksa yang Anda tulis.",
  begin: "Mulai obrolan",
  leave: "Tinggalkan pesan",
  log: "Pesan",
  beginning: "Di sinilah semuanya dimulai",
  empty: "Tulis kepada kami. Kami menjawab di sini.",
  earlier: "Pesan sebelumnya",
  waiting: "Kami akan segera melayani Anda.",
  assigned: "Anda berbicara dengan {name}.",
  ended: "Percakapan ini telah berakhir. Tulis untuk memulai yang baru.",
  you: "Anda",
  us: "Kami",
  said: "{name} berkata: {text}",
  typing: "{name} sedang menulis…",
  typing_us: "Seseorang sedang menulis…",
  sending: "Mengirim…",
  on_its_way: "Menunggu koneksi",
  sent: "Terkirim",
  seen: "Dibaca",
  edited: "disunting",
  deleted: "Pesan ini telah dihapus.",
  place: "Sebuah tempat",
  unshown: "Ini tidak dapat ditampilkan di sini.",
  reply: "Balas",
  in_answer: "Menjawab:",
  no_reply: "Jangan balas pesan ini",
  failed: "Tidak terkirim.",
  again: "Kirim lagi",
  discard: "Buang",
  write: "Tulis pesan",
  send: "Kirim",
  attach: "Lampirkan berkas",
  remove: "Hapus {name}",
  uploading: "mengunggah…",
  too_large: "terlalu besar: paling banyak {size}",
  wrong_kind: "jenis berkas ini tidak diterima",
  upload_failed: "tidak dapat diunggah",
  file: "Berkas",
  file_gone: "Berkas tidak dapat dibuka. Coba lagi.",
};

export const CATALOGUES: Record<Language, Catalogue> = { en, ar, fa, id };

/** The widget does not touch the page's own language, so each has its own. */
export class Words {
  constructor(readonly language: Language) {}

  get direction(): "rtl" | "ltr" {
    return isRightToLeft(this.language) ? "rtl" : "ltr";
  }

  say(key: Key, values: Values = {}): string {
    return formatMessage(CATALOGUES[this.language][key], this.language, values);
  }

  /** The label of a field: in our words if we know it, else the word the account gives it. */
  field(name: string): string {
    const key = `field.${name}`;
    if (key in en) return this.say(key as Key);
    const words = name.replaceAll("_", " ");
    return words.charAt(0).toUpperCase() + words.slice(1);
  }

  clock(iso: string): string {
    return new Date(iso).toLocaleTimeString(localeOf(this.language), { hour: "2-digit", minute: "2-digit" });
  }

  day(iso: string): string {
    return new Date(iso).toLocaleDateString(localeOf(this.language), { weekday: "long", day: "numeric", month: "long" });
  }

  size(bytes: number): string {
    return new Intl.NumberFormat(localeOf(this.language), { style: "unit", unit: "megabyte", maximumFractionDigits: 1 }).format(
      bytes / 1_000_000,
    );
  }

  languageName(tag: string): string {
    return new Intl.DisplayNames(this.language, { type: "language" }).of(tag) ?? tag;
  }
}
