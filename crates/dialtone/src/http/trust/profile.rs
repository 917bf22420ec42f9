//! The root as a configuration profile, which is what iPhones and iPads install.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::Root;

/// A profile with the root in it and nothing else, in Apple's property list. The same root gives the
/// same profile, so that installing it twice leaves one.
pub fn mobile_configuration(root: &Root) -> String {
    let title = &root.title;
    let certificate = STANDARD.encode(&root.certificate);
    let id = title.to_lowercase().replace(' ', ".");
    let (profile, payload) = (uuid(root, "profile"), uuid(root, "payload"));
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>PayloadType</key><string>Configuration</string>
  <key>PayloadVersion</key><integer>1</integer>
  <key>PayloadIdentifier</key><string>{id}</string>
  <key>PayloadUUID</key><string>{profile}</string>
  <key>PayloadDisplayName</key><string>{title}</string>
  <key>PayloadDescription</key><string>Lets this device open the Dialtone server of this network without a warning. It can vouch for private addresses only.</string>
  <key>PayloadContent</key>
  <array>
    <dict>
      <key>PayloadType</key><string>com.apple.security.root</string>
      <key>PayloadVersion</key><integer>1</integer>
      <key>PayloadIdentifier</key><string>{id}.root</string>
      <key>PayloadUUID</key><string>{payload}</string>
      <key>PayloadDisplayName</key><string>{title}</string>
      <key>PayloadCertificateFileName</key><string>dialtone.crt</string>
      <key>PayloadContent</key><data>{certificate}</data>
    </dict>
  </array>
</dict>
</plist>
"#
    )
}

/// A UUID made from the root (RFC 9562, version 8).
fn uuid(root: &Root, of: &str) -> String {
    let digest = Sha256::new()
        .chain_update(of)
        .chain_update(&root.certificate);
    let digest = digest.finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = format!("{:032X}", u128::from_be_bytes(bytes));
    let parts = [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ];
    parts.join("-")
}
