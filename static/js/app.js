// Every module is an enhancement: each page works without any of them. Texts come from the page (data-*), never from here.
import "./dialogs.js";
import "./dirty.js";
import "./forms.js";
import "./keys.js";
import "./palette.js";
import "./passkeys.js";
import "./reltime.js";
import "./rows.js";
import "./select.js";
import "./tick.js";
import "./toast.js";
