import Foundation
import TestSupport
import Testing

@testable import Training

@Suite struct CorpusReportTests {
    @Test("documents: their number, lengths, and repetitions")
    func documents() throws {
        let report = CorpusReport(try readCorpus("abc\nz\nabc\nlonger\nabc\n", .line))
        #expect(report.documents.count == 5 && report.characters == 16)
        #expect(report.documents.shortest == 1 && report.documents.median == 3 && report.documents.longest == 6)
        #expect(report.documents.duplicates == 2)
        #expect(report.documents.mostRepeated == "abc" && report.documents.mostRepeatedCount == 3)
        #expect(!report.documents.areSorted)
    }

    @Test("the rarest characters come with the file and the line where they are first")
    func rarest() throws {
        try withFiles([Array("aaab\nbb\nb¢a\nb\n".utf8), Array("aa\n\n\n€€\n".utf8)]) { paths in
            for kind in DocumentKind.allCases {
                let rarest = CorpusReport(try Corpus(reading: CorpusSource(paths: paths, documents: kind))).vocabulary
                    .rarest
                #expect(rarest.prefix(2).map(\.character) == ["¢", "€"])
                #expect(rarest.prefix(2).map(\.count) == [1, 2])
                #expect(rarest.prefix(2).map(\.file) == paths)
                #expect(rarest.prefix(2).map(\.line) == [3, 4])
            }
        }
    }

    @Test("special symbols are not characters")
    func specialSymbols() throws {
        try withFiles([Array("aab\nÃc\naa".utf8)]) { paths in
            var source = CorpusSource(paths: paths, documents: .line)
            source.minimumCount = 2
            let report = CorpusReport(try Corpus(reading: source))
            #expect(report.vocabulary.count == 1)
            #expect(report.misreadPairs == 0)
        }
    }

    @Test("control characters, replacement characters, misread pairs and loose accents are counted")
    func strange() throws {
        let report = CorpusReport(try readCorpus("\u{1B}[1m\t\0\r\n\u{FFFD} Ã© Â° ÃA e\u{301}\u{85}"))
        #expect(report.controlCharacters == 3)
        #expect(report.replacementCharacters == 1)
        #expect(report.misreadPairs == 2)
        #expect(report.combiningAccents == 1)
    }

    @Test("alphabetical order is noticed")
    func order() throws {
        let names = (1000..<1200).map { "name \($0)" }
        #expect(CorpusReport(try readCorpus(names.joined(separator: "\n"), .line)).documents.areSorted)
        #expect(!CorpusReport(try readCorpus(names.reversed().joined(separator: "\n"), .line)).documents.areSorted)
    }
}
