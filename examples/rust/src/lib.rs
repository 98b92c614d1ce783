//! chargen for Rust: a safe interface to the functions of `chargen.h` that most programs need.
//!
//! ```no_run
//! let model = chargen::Model::load("model.cgw")?;
//! let mut session = chargen::Session::new(&model)?;
//! session.set_seed(42)?;
//! session.feed("The ")?;
//! println!("{}", session.generate(200)?);
//! # Ok::<(), chargen::Error>(())
//! ```
//!
//! A model may be used by any number of threads. A session may move from one thread to another; that
//! it is used by one at a time, the compiler checks.

use std::ffi::{c_char, c_void, CStr, CString};
use std::{fmt, os::unix::ffi::OsStrExt, path::Path, ptr};

/// A failed call: its `chargen_status`, and the library's message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    pub status: i32,
    pub message: String,
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

pub type Result<T> = std::result::Result<T, Error>;

/// Why text has come to its end: the values of `chargen_end_reason`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndReason {
    None,
    Limit,
    Buffer,
    Callback,
    Document,
    Pattern,
    MaxLength,
    StopString,
    Interrupt,
    Other(i32),
}

/// A trained model, immutable.
pub struct Model(ptr::NonNull<c_void>);

// The library allows a model to any number of threads, and a session to one at a time.
unsafe impl Send for Model {}
unsafe impl Sync for Model {}
unsafe impl Send for Session {}

impl Model {
    /// Loads a `.cgw` file.
    pub fn load(path: impl AsRef<Path>) -> Result<Model> {
        let path = CString::new(path.as_ref().as_os_str().as_bytes())
            .map_err(|_| Error { status: 1, message: "a path cannot have a NUL in it".into() })?;
        made(|model| unsafe { chargen_model_load_file(path.as_ptr(), model) }).map(Model)
    }

    /// Loads the bytes of a `.cgw` file.
    pub fn from_bytes(bytes: &[u8]) -> Result<Model> {
        made(|model| unsafe { chargen_model_load_memory(bytes.as_ptr().cast(), bytes.len(), model) }).map(Model)
    }

    /// Whether the model has learned where documents end.
    pub fn has_end_of_document(&self) -> bool {
        unsafe { chargen_model_has_end_of_document(self.0.as_ptr()) != 0 }
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        unsafe { chargen_model_free(self.0.as_ptr()) }
    }
}

/// A text that a model continues. As an iterator it gives characters up to the next end, which
/// [`Session::end_reason`] tells; after that it goes on.
pub struct Session(ptr::NonNull<c_void>);

impl Session {
    /// A session at the beginning of a text. It keeps what it needs of the model.
    pub fn new(model: &Model) -> Result<Session> {
        made(|session| unsafe { chargen_session_create(model.0.as_ptr(), session) }).map(Session)
    }

    /// A session at the same place of the same text, which goes on by itself.
    pub fn try_clone(&self) -> Result<Session> {
        made(|session| unsafe { chargen_session_clone(self.0.as_ptr(), session) }).map(Session)
    }

    /// A session that a snapshot was taken of.
    pub fn restore(model: &Model, snapshot: &[u8]) -> Result<Session> {
        let (bytes, length) = (snapshot.as_ptr().cast(), snapshot.len());
        made(|session| unsafe { chargen_session_restore(model.0.as_ptr(), bytes, length, session) }).map(Session)
    }

    /// All that decides how the text goes on, as bytes.
    pub fn snapshot(&self) -> Result<Vec<u8>> {
        let mut bytes = vec![0; unsafe { chargen_session_snapshot_size(self.0.as_ptr()) }];
        let mut length = 0;
        check(unsafe {
            chargen_session_snapshot(self.0.as_ptr(), bytes.as_mut_ptr().cast(), bytes.len(), &mut length)
        })?;
        Ok(bytes)
    }

    /// 0 is greedy; below 1 the distribution is sharpened, above 1 flattened.
    pub fn set_temperature(&mut self, temperature: f32) -> Result<()> {
        check(unsafe { chargen_session_set_temperature(self.0.as_ptr(), temperature) })
    }

    /// Restarts the random generator.
    pub fn set_seed(&mut self, seed: u64) -> Result<()> {
        check(unsafe { chargen_session_set_seed(self.0.as_ptr(), seed) })
    }

    /// Strings at which generated text stops; nothing of them is given out.
    pub fn set_stop_strings(&mut self, strings: &[&str]) -> Result<()> {
        let texts: Vec<*const c_char> = strings.iter().map(|string| string.as_ptr().cast()).collect();
        let lengths: Vec<usize> = strings.iter().map(|string| string.len()).collect();
        check(unsafe {
            chargen_session_set_stop_strings(self.0.as_ptr(), texts.as_ptr(), lengths.as_ptr(), strings.len())
        })
    }

    /// Reads text as if it had been generated.
    pub fn feed(&mut self, text: &str) -> Result<()> {
        check(unsafe { chargen_session_feed(self.0.as_ptr(), text.as_ptr().cast(), text.len()) })
    }

    /// Reads text, and tells how probable it was: the sum of natural logarithms, and the number of
    /// characters that count.
    pub fn score(&mut self, text: &str) -> Result<(f64, usize)> {
        let (mut score, mut count) = (0.0, 0);
        check(unsafe {
            chargen_session_score(self.0.as_ptr(), text.as_ptr().cast(), text.len(), &mut score, &mut count)
        })?;
        Ok((score, count))
    }

    /// Generates text up to its end, at most so many characters.
    pub fn generate(&mut self, max_characters: usize) -> Result<String> {
        let mut text = String::new();
        let mut left = max_characters;
        let mut buffer = [0u8; 1024];
        while left > 0 {
            let mut length = 0;
            let target = buffer.as_mut_ptr().cast();
            check(unsafe {
                chargen_session_generate(self.0.as_ptr(), left, target, buffer.len(), &mut length)
            })?;
            // The library writes whole characters in UTF-8.
            let piece = std::str::from_utf8(&buffer[..length]).expect("UTF-8");
            left -= piece.chars().count();
            text.push_str(piece);
            if self.end_reason() != EndReason::Buffer {
                break;
            }
        }
        Ok(text)
    }

    /// The probabilities of what may come next, in the order of the model's characters.
    pub fn probabilities(&mut self) -> Result<&[f32]> {
        let (mut first, mut count) = (ptr::null(), 0);
        check(unsafe { chargen_session_probabilities(self.0.as_ptr(), &mut first, &mut count) })?;
        // Valid until the next call with the session, which this borrow prevents.
        Ok(unsafe { std::slice::from_raw_parts(first, count) })
    }

    /// Why the text that was generated last has come to its end.
    pub fn end_reason(&self) -> EndReason {
        match unsafe { chargen_session_end_reason(self.0.as_ptr()) } {
            0 => EndReason::None,
            1 => EndReason::Limit,
            2 => EndReason::Buffer,
            3 => EndReason::Callback,
            4 => EndReason::Document,
            5 => EndReason::Pattern,
            6 => EndReason::MaxLength,
            7 => EndReason::StopString,
            8 => EndReason::Interrupt,
            other => EndReason::Other(other),
        }
    }

    /// Goes to the beginning. The settings stay.
    pub fn reset(&mut self) -> Result<()> {
        check(unsafe { chargen_session_reset(self.0.as_ptr()) })
    }
}

impl Iterator for Session {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        let mut character = 0;
        // It fails only if it is interrupted, which needs a flag.
        check(unsafe { chargen_session_next(self.0.as_ptr(), &mut character) }).ok()?;
        // The numbers for ends are no characters.
        char::from_u32(character)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        unsafe { chargen_session_free(self.0.as_ptr()) }
    }
}

fn check(status: i32) -> Result<()> {
    if status == 0 {
        return Ok(());
    }
    let message = unsafe { CStr::from_ptr(chargen_error_message()) };
    Err(Error { status, message: message.to_string_lossy().into_owned() })
}

/// A new handle.
fn made(make: impl FnOnce(*mut *mut c_void) -> i32) -> Result<ptr::NonNull<c_void>> {
    let mut handle = ptr::null_mut();
    check(make(&mut handle))?;
    Ok(ptr::NonNull::new(handle).expect("a handle"))
}

extern "C" {
    fn chargen_error_message() -> *const c_char;
    fn chargen_model_load_file(path: *const c_char, model: *mut *mut c_void) -> i32;
    fn chargen_model_load_memory(bytes: *const c_void, length: usize, model: *mut *mut c_void) -> i32;
    fn chargen_model_free(model: *mut c_void);
    fn chargen_model_has_end_of_document(model: *const c_void) -> i32;
    fn chargen_session_create(model: *const c_void, session: *mut *mut c_void) -> i32;
    fn chargen_session_clone(session: *const c_void, clone: *mut *mut c_void) -> i32;
    fn chargen_session_free(session: *mut c_void);
    fn chargen_session_snapshot_size(session: *const c_void) -> usize;
    fn chargen_session_snapshot(session: *const c_void, bytes: *mut c_void, room: usize, length: *mut usize) -> i32;
    fn chargen_session_restore(
        model: *const c_void, bytes: *const c_void, length: usize, session: *mut *mut c_void,
    ) -> i32;
    fn chargen_session_set_temperature(session: *mut c_void, temperature: f32) -> i32;
    fn chargen_session_set_seed(session: *mut c_void, seed: u64) -> i32;
    fn chargen_session_set_stop_strings(
        session: *mut c_void, strings: *const *const c_char, lengths: *const usize, count: usize,
    ) -> i32;
    fn chargen_session_feed(session: *mut c_void, text: *const c_char, length: usize) -> i32;
    fn chargen_session_score(
        session: *mut c_void, text: *const c_char, length: usize, score: *mut f64, count: *mut usize,
    ) -> i32;
    fn chargen_session_generate(
        session: *mut c_void, most: usize, buffer: *mut c_char, room: usize, length: *mut usize,
    ) -> i32;
    fn chargen_session_next(session: *mut c_void, character: *mut u32) -> i32;
    fn chargen_session_probabilities(session: *mut c_void, first: *mut *const f32, count: *mut usize) -> i32;
    fn chargen_session_end_reason(session: *const c_void) -> i32;
    fn chargen_session_reset(session: *mut c_void) -> i32;
}
