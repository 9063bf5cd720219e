// "12 min ago" stays true while the page is open. It counts from the server's time, for browsers' clocks may be wrong.
import { all, find } from "./dom.js";

const words = find("#words")?.dataset;
const offset = words ? Date.parse(words.now) - performance.now() : 0;

function refresh() {
  const now = offset + performance.now();
  for (const time of all("time.ago")) {
    const minutes = Math.floor((now - Date.parse(time.dateTime)) / 60_000);
    // Older than that, the day matters: the next page says it.
    if (minutes >= 1 && minutes < 360) {
      const text = minutes < 60 ? words.minutes.replace("{n}", minutes) : words.hours.replace("{n}", Math.floor(minutes / 60));
      if (time.textContent !== text) time.textContent = text;
    }
  }
}

if (words) setInterval(refresh, 30_000);
