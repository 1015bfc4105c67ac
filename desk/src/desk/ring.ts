/** How an offer makes itself heard and seen: two soft tones until it is answered, the title, a notification. */

const EVERY_MS = 2_500;
const TONES = [
  { at: 0, hertz: 659.25 },
  { at: 0.18, hertz: 880 },
];

export class Ring {
  private audio: AudioContext | null = null;
  private timer: ReturnType<typeof setInterval> | null = null;
  private notification: Notification | null = null;
  private blink: ReturnType<typeof setInterval> | null = null;

  /** Browsers let a page sound only after somebody touched it. Call this from a click or a key. */
  prepare(): void {
    if (typeof AudioContext === "undefined") return;
    this.audio ??= new AudioContext();
    if (this.audio.state === "suspended") void this.audio.resume().catch(() => undefined);
  }

  start(title: string, how: { sound: boolean; notify: boolean; body: string }): void {
    this.stop();
    if (how.sound) {
      this.chime();
      this.timer = setInterval(() => this.chime(), EVERY_MS);
    }
    const usual = document.title;
    document.title = title;
    this.blink = setInterval(() => (document.title = document.title === title ? usual : title), 1_000);
    this.restore = () => (document.title = usual);
    if (how.notify && document.hidden && typeof Notification !== "undefined" && Notification.permission === "granted") {
      this.notification = new Notification(title, { body: how.body, tag: "throughline-offer" });
      this.notification.onclick = () => window.focus();
    }
  }

  stop(): void {
    if (this.timer) clearInterval(this.timer);
    if (this.blink) clearInterval(this.blink);
    this.notification?.close();
    this.timer = this.blink = this.notification = null;
    this.restore();
    this.restore = () => undefined;
  }

  /** One quiet tone: a message came for a conversation that is not looked at. */
  tick(): void {
    this.tone(0, 523.25, 0.025);
  }

  private restore: () => void = () => undefined;

  private chime(): void {
    for (const { at, hertz } of TONES) this.tone(at, hertz, 0.08);
  }

  private tone(at: number, hertz: number, loudness: number): void {
    const { audio } = this;
    if (audio?.state !== "running") return;
    const begin = audio.currentTime + at;
    const [source, gain] = [audio.createOscillator(), audio.createGain()];
    source.type = "sine";
    source.frequency.value = hertz;
    gain.gain.setValueAtTime(0, begin);
    gain.gain.linearRampToValueAtTime(loudness, begin + 0.02);
    gain.gain.exponentialRampToValueAtTime(0.0001, begin + 0.4);
    source.connect(gain).connect(audio.destination);
    source.start(begin);
    source.stop(begin + 0.45);
  }
}
