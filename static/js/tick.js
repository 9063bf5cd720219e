// hx-trigger="agora:tick from:body": every 3 s, only while somebody looks.
setInterval(() => {
  if (document.visibilityState === "visible") document.body.dispatchEvent(new Event("agora:tick"));
}, 3000);
