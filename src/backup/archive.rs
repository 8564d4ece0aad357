use std::{
    ffi::OsStr,
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};

use super::{
    Manifest, cannot,
    manifest::{Checksum, FORM},
};

/// The name of the first member.
const MANIFEST: &str = "manifest.json";
/// A manifest names some dozen tables.
const MANIFEST_BYTES: u64 = 1 << 20;
/// How a file begins that `age` has encrypted.
const ENCRYPTED: &[u8] = b"age-encryption.org/";

/// The keys of encrypted backups.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    /// The public keys to encrypt to, like `age1…`. None: the backup is not encrypted.
    pub recipients: Vec<String>,
    /// The file with the private key that decrypts.
    pub identity: Option<PathBuf>,
}

/// Writes an archive of the manifest and the copy of the database.
pub(super) fn write(file: &Path, manifest: &Manifest, copy: &Path, keys: &Keys) -> Result<(), String> {
    let failed = |error: io::Error| cannot("write", file, error);
    if keys.recipients.is_empty() {
        let target = File::options().write(true).open(file).map_err(failed)?;
        return pack(target, manifest, copy).and_then(|file| file.sync_all()).map_err(failed);
    }
    let mut age = Command::new("age");
    age.arg("--encrypt").stdin(Stdio::piped()).stdout(File::options().write(true).open(file).map_err(failed)?);
    for recipient in &keys.recipients {
        age.args(["--recipient", recipient]);
    }
    let mut child = spawn(age)?;
    let input = child.stdin.take().ok_or_else(|| "age has no input.".to_owned())?;
    // `pack` returns the input, and dropping it tells `age` that this is the end.
    let packed = pack(input, manifest, copy).map(drop);
    // What age says is the reason why it reads no further.
    wait(child)?;
    packed.and_then(|()| File::open(file)?.sync_all()).map_err(failed)
}

fn pack<W: Write>(target: W, manifest: &Manifest, copy: &Path) -> io::Result<W> {
    let mut archive = tar::Builder::new(GzEncoder::new(target, Compression::fast()));
    let text = serde_json::to_vec_pretty(manifest)?;
    archive.append_data(&mut header(text.len() as u64), MANIFEST, text.as_slice())?;
    archive.append_data(&mut header(manifest.bytes), manifest.database.member(), File::open(copy)?)?;
    archive.into_inner()?.finish()
}

fn header(bytes: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes);
    // Whoever unpacks the archive gets files that nobody else can read.
    header.set_mode(0o600);
    header
}

/// Reads an archive: writes the database's member into `copy`, and returns the manifest. The checksum is compared.
pub(super) fn read(file: &Path, copy: &Path, keys: &Keys) -> Result<Manifest, String> {
    let mut source = File::open(file).map_err(|error| cannot("read", file, error))?;
    let mut beginning = Vec::new();
    let begins = (&mut source).take(ENCRYPTED.len() as u64).read_to_end(&mut beginning);
    begins.map_err(|error| cannot("read", file, error))?;
    if beginning != ENCRYPTED {
        return unpack(beginning.chain(source), file, copy);
    }
    let identity = keys.identity.as_ref().ok_or_else(|| {
        format!("{} is encrypted. Name the file with the private key: --identity FILE.", file.display())
    })?;
    let mut age = Command::new("age");
    age.args([OsStr::new("--decrypt"), "--identity".as_ref(), identity.as_ref(), file.as_ref()]).stdout(Stdio::piped());
    let mut child = spawn(age)?;
    let output = child.stdout.take().ok_or_else(|| "age has no output.".to_owned())?;
    let unpacked = unpack(output, file, copy);
    wait(child)?;
    unpacked
}

fn unpack(source: impl Read, file: &Path, copy: &Path) -> Result<Manifest, String> {
    let broken = |error: io::Error| format!("{} is no backup, or is damaged: {error}.", file.display());
    let incomplete = || format!("{} is no backup, or is damaged: a part is missing.", file.display());
    let mut archive = tar::Archive::new(GzDecoder::new(source));
    let mut members = archive.entries().map_err(broken)?;
    let mut next = || members.next().ok_or_else(incomplete)?.map_err(broken);

    let mut text = String::new();
    next()?.take(MANIFEST_BYTES).read_to_string(&mut text).map_err(broken)?;
    let form = serde_json::from_str::<Form>(&text).map_err(|error| broken(error.into()))?.form;
    if form != FORM {
        return Err(format!("{} has form {form}. This version reads form {FORM}.", file.display()));
    }
    let manifest: Manifest = serde_json::from_str(&text).map_err(|error| broken(error.into()))?;

    let mut target = File::options().write(true).open(copy).map_err(|error| cannot("write", copy, error))?;
    let mut checksum = Checksum::default();
    let mut database = next()?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        let length = database.read(&mut buffer).map_err(broken)?;
        if length == 0 {
            break;
        }
        checksum.write_all(&buffer[..length]).map_err(broken)?;
        target.write_all(&buffer[..length]).map_err(|error| cannot("write", copy, error))?;
    }
    target.sync_all().map_err(|error| cannot("write", copy, error))?;
    // The compressed data ends with a checksum of its own. Besides, `age` waits until all that it writes is read.
    drop((database, members));
    io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(broken)?;
    if checksum.hexadecimal() != manifest.sha256 {
        return Err(format!(
            "{} is damaged: the database has another checksum than when it was backed up.",
            file.display()
        ));
    }
    Ok(manifest)
}

/// The part of a manifest that stays in every form.
#[derive(serde::Deserialize)]
struct Form {
    form: u32,
}

/// Starts a program.
pub(super) fn spawn(mut command: Command) -> Result<Child, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    command.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => format!("The program {name} is needed, and is not installed."),
        _ => format!("The program {name} cannot be started: {error}."),
    })
}

/// Waits for the end of a program, which says on its own what is wrong.
pub(super) fn wait(mut child: Child) -> Result<(), String> {
    match child.wait() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("A program failed ({status}). Its message is above.")),
        Err(error) => Err(format!("A program cannot be waited for: {error}.")),
    }
}
