//! Fuzz target for task output: any bytes in any chunks.
use domain::log::MAX_LINE;
use runner::output::Assembler;

/// Lines are text without line feeds and within the maximum length, regardless of how the bytes are split.
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
    lines.into_iter().map(|part| part.text).collect()
}
