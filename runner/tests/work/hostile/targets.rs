//! What a task may print: any bytes, in any pieces.
use domain::log::MAX_LINE;
use runner::output::Assembler;

/// Lines are text, have no line feed, and are not too long; and it does not matter in which pieces the bytes come.
pub fn output(bytes: &[u8]) {
    let whole = lines([bytes]);
    assert!(whole.iter().all(|line| !line.contains('\n') && line.len() <= MAX_LINE));
    assert_eq!(lines(bytes.chunks(3)), whole);
}

fn lines<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
    let (mut assembler, mut lines) = (Assembler::default(), vec![]);
    for piece in pieces {
        assembler.push(piece, &mut lines);
    }
    assembler.finish(&mut lines);
    lines
}
