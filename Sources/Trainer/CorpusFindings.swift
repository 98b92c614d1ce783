import Foundation
import Training

extension CorpusReport {
    /// What looks wrong with a text, apart from what was noticed on reading it, with advice.
    func findings(for source: CorpusSource) -> [String] {
        [
            lengthFinding, documentsFinding(source), duplicatesFinding, orderFinding, controlsFinding,
            replacementFinding, misreadFinding, accentsFinding(source), rareFinding,
        ].compactMap { $0 }
    }

    private var lengthFinding: String? {
        guard characters < 20_000 else { return nil }
        return "the text is short, with \(counted(characters, "character")) to learn from: a megabyte is a good size"
    }

    private func documentsFinding(_ source: CorpusSource) -> String? {
        let lines = lineEnds.lineFeeds + lineEnds.pairs + lineEnds.returns
        guard !source.readsLines, source.documents == .whole, lines >= 20, characters / lines <= 40 else { return nil }
        return """
            the text is read as one, and its lines are short: if each is a text of its own, such as a name, give \
            --documents line
            """
    }

    private var duplicatesFinding: String? {
        guard let text = documents.mostRepeated, 100 * documents.duplicates >= documents.count else { return nil }
        return """
            duplicates: \(Terminal.grouped(Double(documents.duplicates))) of \(counted(documents.count, "document")) \
            (\(percentage(documents.duplicates, of: documents.count))), most often '\(text.onOneLine)', which occurs \
            \(counted(documents.mostRepeatedCount, "time")); if that is not wanted, remove them
            """
    }

    private var orderFinding: String? {
        guard documents.areSorted else { return nil }
        return "the documents are in alphabetical order, which the model learns: shuffle them, lines with: shuf"
    }

    private var controlsFinding: String? {
        guard controlCharacters > 0 else { return nil }
        return """
            the text has \(counted(controlCharacters, "control character")) \
            (\(percentage(controlCharacters, of: characters))), as in colours for a terminal or in files that are not \
            text; the model learns such characters: remove them before training
            """
    }

    private var replacementFinding: String? {
        guard replacementCharacters > 0 else { return nil }
        return """
            the text has \(counted(replacementCharacters, "replacement character")) (U+FFFD), for what an earlier \
            conversion could not read: convert the original again, from its own encoding
            """
    }

    private var misreadFinding: String? {
        guard misreadPairs >= 3 else { return nil }
        return """
            \(counted(misreadPairs, "pair")) of characters such as 'Ã©' are probably UTF-8 that was read as Latin-1; to \
            undo it: iconv -f UTF-8 -t LATIN1 < input.txt > output.txt
            """
    }

    private func accentsFinding(_ source: CorpusSource) -> String? {
        guard combiningAccents > 0, source.normalization == nil else { return nil }
        return """
            the text has \(counted(combiningAccents, "accent")) after the letter, as a character by itself: \
            --normalize nfc composes both
            """
    }

    private var rareFinding: String? {
        guard vocabulary.rare >= 20, 4 * vocabulary.rare >= vocabulary.count else { return nil }
        return """
            \(Terminal.grouped(Double(vocabulary.rare))) of \(counted(vocabulary.count, "character")) occur fewer than \
            10 times, too seldom to be learned: train with --min-count, replace or remove them, or read more text
            """
    }
}

/// A share in per cent.
func percentage(_ count: Int, of total: Int) -> String {
    String(format: "%.2f %%", total == 0 ? 0 : 100 * Double(count) / Double(total))
}
