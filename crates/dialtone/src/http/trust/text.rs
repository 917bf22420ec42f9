//! The page, in words. Nothing here comes from a client but the host, which was found in our own
//! certificate before.

use super::platform::Platform;
use super::{PATH, Root};

/// What to do on one kind of device. `{title}` is the authority's name there, `{path}` where the
/// files are.
struct Guide {
    name: &'static str,
    trust: &'static [&'static str],
    remove: &'static str,
}

/// The page. `url` is the server by HTTPS; what `platform` needs comes first, and open.
pub fn page(root: &Root, url: &str, platform: Option<Platform>) -> String {
    let mut platforms = Platform::ALL;
    platforms.sort_by_key(|it| Some(*it) != platform);
    let guides: String = platforms
        .iter()
        .map(|it| section(&guide(*it), root, Some(*it) == platform))
        .collect();
    let (title, fingerprint) = (&root.title, lines(&root.fingerprint));
    format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Trust this Dialtone</title>
<link rel="stylesheet" href="{PATH}/page.css">
</head>
<body>
<main>
<h1>Trust this Dialtone</h1>
<p>Browsers open the camera and the microphone only for pages that come encrypted. This server runs in
your own network, where no public authority can vouch for it. So it has one of its own, <b>{title}</b>,
and each device has to be told once to trust it.</p>
<p>It can vouch for <b>private addresses and its own name only</b>, which every certificate it makes is held
to. It cannot be used to read what you do elsewhere.</p>

<h2>What to compare</h2>
<p>Anybody in this network could show you a page like this one. What counts is the fingerprint (SHA-256)
that <b>your device</b> shows in the steps below. Compare it with the one that the server printed where it
was started: it should be this. If a single character differs, stop, and remove what you installed.</p>
<p class="fingerprint" aria-label="Fingerprint">{fingerprint}</p>

<h2>Then tell your device</h2>
{guides}
<h2>Then call</h2>
<p>This should open without a warning:</p>
<p><a class="button" href="{url}/">Open Dialtone</a></p>
<p class="soft">Does the browser still warn? Close it altogether and open it again. Firefox on computers
keeps a list of its own: see Linux.</p>
</main>
</body>
</html>
"#
    )
}

fn section(guide: &Guide, root: &Root, is_open: bool) -> String {
    let filled = |text: &str| text.replace("{title}", &root.title).replace("{path}", PATH);
    let open = if is_open { " open" } else { "" };
    let steps: String = guide
        .trust
        .iter()
        .map(|step| format!("<li>{}</li>\n", filled(step)))
        .collect();
    let (name, remove) = (guide.name, filled(guide.remove));
    format!(
        "<details{open}>\n<summary>{name}</summary>\n<ol>\n{steps}</ol>\n\
         <p class=\"soft\"><b>To remove it again:</b> {remove}</p>\n</details>\n"
    )
}

/// Eight bytes on a line, as it is easiest to compare.
fn lines(fingerprint: &str) -> String {
    const LINE: usize = 8 * 3;
    let bytes = fingerprint.as_bytes().chunks(LINE);
    let lines: Vec<_> = bytes.map(String::from_utf8_lossy).collect();
    lines.join("<br>")
}

fn guide(platform: Platform) -> Guide {
    match platform {
        Platform::Ios => Guide {
            name: "iPhone and iPad",
            trust: &[
                r#"In Safari, <a href="{path}/dialtone.mobileconfig">download the profile</a> and press <b>Allow</b>."#,
                "Open <b>Settings</b> and press <b>Profile Downloaded</b> (or General → VPN &amp; Device Management → {title}).",
                "Under <b>More Details</b>, press the certificate and compare its fingerprint. Then press <b>Install</b>.",
                "Go to <b>Settings → General → About → Certificate Trust Settings</b> and switch <b>{title}</b> on. Without this step nothing is trusted yet.",
            ],
            remove: "Settings → General → VPN &amp; Device Management → {title} → Remove Profile.",
        },
        Platform::Android => Guide {
            name: "Android",
            trust: &[
                r#"<a href="{path}/dialtone.crt">Download the certificate</a>."#,
                "Open <b>Settings</b> and search for <b>CA certificate</b> (as a rule: Security → More security settings → Encryption &amp; credentials → Install a certificate).",
                "Press <b>CA certificate</b>, <b>Install anyway</b>, and choose <b>dialtone.crt</b>.",
                "In <b>Trusted credentials → User</b>, press <b>{title}</b> and compare its SHA-256 fingerprint.",
                "Chrome trusts it now. Firefox needs one more: Settings → About Firefox, press the logo five times, then Settings → Secret Settings → <b>Use third party CA certificates</b>.",
            ],
            remove: "Settings → Trusted credentials → User → {title} → Remove.",
        },
        Platform::Windows => Guide {
            name: "Windows",
            trust: &[
                r#"<a href="{path}/dialtone.crt">Download the certificate</a>."#,
                "In the folder with the file, compare what <code>certutil -hashfile dialtone.crt SHA256</code> prints.",
                "Then <code>certutil -user -addstore Root dialtone.crt</code> and press <b>Yes</b>. Or open the file: Install Certificate → Current User → Place all certificates in the following store → <b>Trusted Root Certification Authorities</b>.",
                "Close the browser altogether and open it again.",
            ],
            remove: "<code>certutil -user -delstore Root \"{title}\"</code>, or in certmgr.msc under Trusted Root Certification Authorities.",
        },
        Platform::Mac => Guide {
            name: "Mac",
            trust: &[
                r#"<a href="{path}/dialtone.crt">Download the certificate</a>. (On an iPad: <a href="{path}/dialtone.mobileconfig">the profile</a>, and the steps of iPhone and iPad.)"#,
                "Open the file: Keychain Access adds it to the keychain <b>login</b>.",
                "Find <b>{title}</b> there, open it, and compare the SHA-256 fingerprint under Details.",
                "Under <b>Trust</b>, set <b>When using this certificate</b> to <b>Always Trust</b>, and close the window.",
            ],
            remove: "in Keychain Access, delete {title}.",
        },
        Platform::Linux => Guide {
            name: "Linux, and Firefox on any computer",
            trust: &[
                r#"<a href="{path}/dialtone.crt">Download the certificate</a> and compare what <code>sha256sum dialtone.crt</code> prints."#,
                "<b>Firefox</b>: Settings → Privacy &amp; Security → View Certificates → Authorities → Import, choose the file, and tick <b>Trust this CA to identify websites</b>.",
                "<b>Chrome and Chromium</b>: Settings → Privacy and security → Security → Manage certificates → Installed by you → Trusted Certificates → Import. Or <code>certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n \"{title}\" -i dialtone.crt</code>.",
            ],
            remove: "in the same lists, delete {title}; or <code>certutil -d sql:$HOME/.pki/nssdb -D -n \"{title}\"</code>.",
        },
    }
}
