//! What a write to a share tells.

use keystead_application::ports::ShareCapabilities;

use crate::context::Context;

/// Behind a place: whether it was read back.
pub(crate) fn compared_words(is_compared: bool) -> &'static str {
    match is_compared {
        true => " (read back and compared)",
        false => "",
    }
}

/// Says in a remark what the share did not promise.
pub(crate) fn tell_what_is_not_promised(context: &Context<'_>, promised: Option<ShareCapabilities>) {
    let missing: Vec<&str> = promised.iter().flat_map(|promised| promised.missing()).collect();
    if !missing.is_empty() {
        let note = format!("the share does not promise {}", missing.join("; nor "));
        context.printer.remark(&note);
    }
}
