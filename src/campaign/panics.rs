use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;

thread_local! {
    /// Whether a panic of this thread is caught and told as a finding.
    static GUARDED: Cell<bool> = const { Cell::new(false) };
    /// What the last guarded panic said, and where.
    static WORDS: RefCell<Option<String>> = const { RefCell::new(None) };
}

static HOOK: Once = Once::new();

/// Does `work`; a panic in it is told in words and prints nothing.
///
/// The rest of the program has no panics to offer. This is here so that one fault, in it or in a parser
/// that it uses, does not end a run over many repositories.
///
/// # Errors
/// The words of the panic, and its place.
pub fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    HOOK.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| if GUARDED.get() { remember(info) } else { usual(info) }));
    });
    let outer = GUARDED.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(outer);
    result.map_err(|_| WORDS.take().unwrap_or_else(|| "a panic without words".to_owned()))
}

fn remember(info: &PanicHookInfo<'_>) {
    let place = info.location().map(|location| format!(" ({}:{})", location.file(), location.line()));
    WORDS.set(Some(words(info.payload()).to_owned() + &place.unwrap_or_default()));
}

fn words(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic without words")
}

#[cfg(test)]
mod tests {
    use super::guarded;

    #[test]
    fn a_panic_becomes_words() {
        let number = 7;
        let words = guarded(|| assert!(number == 8, "the number is {number}")).unwrap_err();
        assert!(words.starts_with("the number is 7 (src/campaign/panics.rs:"), "{words}");
        assert_eq!(guarded(|| number), Ok(7));
    }
}
