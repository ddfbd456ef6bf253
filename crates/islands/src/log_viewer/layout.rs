//! Virtual layout of the output: the heights of blocks of lines, of which only a few are in the document.
use std::ops::RangeInclusive;

/// The server renders blocks of the same size.
pub const LINES_PER_BLOCK: u32 = 100;

/// The maximum number of blocks in the layout. Browsers limit the height of an element to some ten million pixels.
const MAX_BLOCKS: u32 = 6_000;

/// Blocks of lines, one below the other. Lines count from 1, blocks from 0: lines 1 to 100 are block 0.
#[derive(Clone, Debug)]
pub struct Layout {
    /// The number that the next line gets.
    next_line: u32,
    /// The first block that is laid out.
    first_block: u32,
    /// Heights in pixels of the blocks from `first_block` on; `None` until measured.
    heights: Vec<Option<f64>>,
    /// The estimated height of a line in a block that is not measured.
    line_height: f64,
}

/// Returns the block of a line.
pub fn block_of(line: u32) -> u32 {
    line.saturating_sub(1) / LINES_PER_BLOCK
}

/// Returns the first line of a block.
pub fn first_line_of(block: u32) -> u32 {
    block.saturating_mul(LINES_PER_BLOCK).saturating_add(1)
}

impl Layout {
    /// Lays out the lines before `next_line`.
    pub fn new(next_line: u32, line_height: f64) -> Self {
        let mut layout = Self { next_line: 1, first_block: 0, heights: vec![], line_height };
        layout.extend(next_line);
        layout.center(next_line);
        layout
    }

    pub fn next_line(&self) -> u32 {
        self.next_line
    }

    /// Adds the lines before `next_line`. The block that was the last loses its measured height.
    pub fn extend(&mut self, next_line: u32) {
        if next_line <= self.next_line {
            return;
        }
        self.next_line = next_line;
        if let Some(last) = self.heights.last_mut() {
            *last = None;
        }
        self.heights.resize(self.block_count(), None);
    }

    /// Returns the blocks that are laid out, or `None` if there are no lines.
    pub fn blocks(&self) -> Option<RangeInclusive<u32>> {
        self.last_block().map(|last| self.first_block..=last)
    }

    fn last_block(&self) -> Option<u32> {
        let last = block_of(self.next_line.checked_sub(1).filter(|line| *line > 0)?);
        Some(last.min(self.first_block.saturating_add(MAX_BLOCKS - 1)))
    }

    fn block_count(&self) -> usize {
        let count = self.last_block().map_or(0, |last| last - self.first_block + 1);
        usize::try_from(count).unwrap_or(0)
    }

    /// Returns how many lines a block has so far.
    pub fn lines_in(&self, block: u32) -> u32 {
        self.next_line.saturating_sub(first_line_of(block)).min(LINES_PER_BLOCK)
    }

    /// Returns whether the block is less than `margin` blocks from an edge of the layout beyond which there are more lines.
    pub fn is_at_edge(&self, block: u32, margin: u32) -> bool {
        let Some(blocks) = self.blocks() else { return false };
        let near_start = *blocks.start() > 0 && block < blocks.start().saturating_add(margin);
        let near_end = first_line_of(blocks.end() + 1) < self.next_line && block.saturating_add(margin) > *blocks.end();
        near_start || near_end
    }

    /// Lays out the blocks around a line, if there are more than can be laid out. Returns whether the layout moved.
    pub fn center(&mut self, line: u32) -> bool {
        let all = block_of(self.next_line.saturating_sub(1)) + 1;
        let first = block_of(line).saturating_sub(MAX_BLOCKS / 2).min(all.saturating_sub(MAX_BLOCKS));
        let moved = first != self.first_block;
        if moved {
            self.first_block = first;
            self.reset_heights();
        }
        moved
    }

    /// Discards all measured heights, after the width or the wrapping of lines changed.
    pub fn reset_heights(&mut self) {
        self.heights = vec![None; self.block_count()];
    }

    /// Records the measured height of a block.
    pub fn set_height(&mut self, block: u32, height: f64) {
        let lines = self.lines_in(block);
        if let Some(entry) = self.index(block).and_then(|index| self.heights.get_mut(index)) {
            *entry = Some(height);
        }
        if lines > 0 && height > 0.0 {
            self.line_height = height / f64::from(lines);
        }
    }

    fn index(&self, block: u32) -> Option<usize> {
        usize::try_from(block.checked_sub(self.first_block)?).ok()
    }

    /// Returns the measured or estimated height of a block, in pixels.
    pub fn height(&self, block: u32) -> f64 {
        let measured = self.index(block).and_then(|index| self.heights.get(index).copied().flatten());
        measured.unwrap_or_else(|| f64::from(self.lines_in(block)) * self.line_height)
    }

    /// Returns the offset of a block from the top of the layout.
    pub fn top(&self, block: u32) -> f64 {
        (self.first_block..block).map(|before| self.height(before)).sum()
    }

    /// Returns the estimated offset of a line from the top of the layout.
    pub fn line_top(&self, line: u32) -> f64 {
        let block = block_of(line);
        let share = f64::from(line.saturating_sub(first_line_of(block))) / f64::from(self.lines_in(block).max(1));
        self.top(block) + share * self.height(block)
    }

    pub fn total_height(&self) -> f64 {
        self.blocks().map_or(0.0, |blocks| blocks.map(|block| self.height(block)).sum())
    }

    /// Returns the blocks that overlap the offsets between `from` and `until`.
    pub fn blocks_between(&self, from: f64, until: f64) -> Option<RangeInclusive<u32>> {
        let blocks = self.blocks()?;
        let (mut first, mut last, mut top) = (*blocks.end(), *blocks.start(), 0.0);
        for block in blocks {
            let bottom = top + self.height(block);
            if bottom > from && block < first {
                first = block;
            }
            if top < until {
                last = block;
            }
            top = bottom;
        }
        Some(first.min(last)..=last.max(first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_has_a_hundred_lines() {
        assert_eq!((block_of(1), block_of(100), block_of(101), first_line_of(2)), (0, 0, 1, 201));
        let layout = Layout::new(251, 10.0);
        assert_eq!(layout.blocks(), Some(0..=2));
        assert_eq!((layout.lines_in(0), layout.lines_in(2), layout.lines_in(3)), (100, 50, 0));
        assert!((layout.total_height() - 2_500.0).abs() < 0.1);
        assert!((layout.line_top(151) - 1_500.0).abs() < 0.1);
        assert_eq!(Layout::new(1, 10.0).blocks(), None);
    }

    #[test]
    fn visible_blocks_are_found_by_their_heights() {
        let mut layout = Layout::new(200_001, 20.0);
        assert_eq!(layout.blocks_between(0.0, 600.0), Some(0..=0));
        assert_eq!(layout.blocks_between(1_990.0, 2_010.0), Some(0..=1));
        assert_eq!(layout.blocks_between(1e9, 1e9), Some(1_999..=1_999));
        layout.set_height(0, 5_000.0);
        assert_eq!(layout.blocks_between(1_990.0, 2_010.0), Some(0..=0), "a measured height replaces the estimate");
        assert!((layout.top(1) - 5_000.0).abs() < 0.1);
    }

    #[test]
    fn new_lines_extend_the_layout_and_reset_the_height_of_the_last_block() {
        let mut layout = Layout::new(51, 10.0);
        layout.set_height(0, 510.0);
        layout.extend(151);
        assert_eq!(layout.blocks(), Some(0..=1));
        assert!(layout.height(0) > 1_000.0);
        layout.extend(100);
        assert_eq!(layout.next_line(), 151, "lines are never removed");
    }

    #[test]
    fn a_layout_of_millions_of_lines_is_partial() {
        let mut layout = Layout::new(8_000_001, 20.0);
        let blocks = layout.blocks().unwrap();
        assert_eq!((*blocks.end(), layout.is_at_edge(*blocks.start(), 3)), (79_999, true));
        assert!(!layout.is_at_edge(79_999, 3), "nothing follows the last line");
        assert!(layout.total_height() < 15e6);
        assert!(layout.center(1));
        assert_eq!(*layout.blocks().unwrap().start(), 0);
        assert!(!layout.center(50), "it is laid out already");
        assert!(layout.is_at_edge(*layout.blocks().unwrap().end(), 3));
    }
}
