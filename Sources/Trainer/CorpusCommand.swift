import ArgumentParser
import Core
import Foundation
import Training

/// `trainer corpus`: what a text consists of, and what may be wrong with it.
struct CorpusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "corpus",
        abstract: "Show what a text consists of, and what may be wrong with it, before training.",
        discussion: "When standard output is not a terminal, the report is a line of JSON.")

    @OptionGroup(title: "Text")
    var corpus: CorpusOptions

    func run() throws {
        let source = try corpus.source
        let text = try Corpus(reading: source)
        let report = CorpusReport(text)
        let findings = text.warnings(for: source) + report.findings(for: source)
        if Terminal.outputIsTerminal {
            try Terminal.write(
                report.table
                    + (["", findings.isEmpty ? "Nothing looks wrong." : "What looks wrong:"]
                    + findings.map { "- " + $0 }).joined(separator: "\n") + "\n")
        } else {
            try Terminal.write(try report.jsonLine(findings: findings) + "\n")
        }
    }
}

extension CorpusReport {
    private struct Line: Encodable {
        let report: CorpusReport
        let findings: [String]

        private enum CodingKeys: CodingKey {
            case findings
        }

        func encode(to encoder: any Encoder) throws {
            try report.encode(to: encoder)
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(findings, forKey: .findings)
        }
    }

    /// The report as a line of JSON, without the line feed.
    fileprivate func jsonLine(findings: [String]) throws -> String {
        try JSON.string(Line(report: self, findings: findings))
    }

    /// The report in lines of text.
    var table: String {
        func grouped(_ number: Int) -> String { Terminal.grouped(Double(number)) }
        var lines = [
            "text:          \(counted(characters, "character")), \(counted(bytes, "byte")) in \(counted(files, "file"))",
            "documents:     \(grouped(documents.count))",
        ]
        if documents.count > 1 {
            lines += [
                "lengths:       \(grouped(documents.shortest)) to \(grouped(documents.longest)) characters, the median "
                    + grouped(documents.median),
                "duplicates:    \(grouped(documents.duplicates))",
            ]
        }
        lines += [
            "line ends:     \(grouped(lineEnds.lineFeeds)) LF, \(grouped(lineEnds.pairs)) CR LF, "
                + "\(grouped(lineEnds.returns)) CR",
            "controls:      \(grouped(controlCharacters)) (\(percentage(controlCharacters, of: characters)))",
            "vocabulary:    \(counted(vocabulary.count, "character")), \(grouped(vocabulary.rare)) of them fewer "
                + "than 10 times",
        ]
        if vocabulary.rare > 0 {
            lines.append("with --min-count:")
            for count in vocabulary.minimumCounts {
                lines.append(
                    "  \(count.minimumCount): \(counted(count.characters, "character")), "
                        + "\(percentage(count.unknown, of: characters)) of the text unknown")
            }
        }
        lines.append("the rarest:")
        for rare in vocabulary.rarest {
            let scalar = Unicode.Scalar(rare.codePoint)
            lines.append(
                "  \(scalar?.shown ?? "") (\(codePoint(rare.codePoint)))  \(counted(rare.count, "time")), first in "
                    + "\(rare.file.onOneLine), line \(rare.line)")
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
