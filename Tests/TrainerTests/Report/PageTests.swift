import Foundation
import Testing
import Training

@testable import Trainer

@Suite("The page of a report")
struct PageTests {
    @Test("is smaller than a megabyte for 50 epochs, and has nothing of the text as markup")
    func hostile() throws {
        let markup = Page(runs: [try hostileRecord(shownCount: 3000)]).html.markup
        #expect(markup.utf8.count < 1_000_000, "\(markup.utf8.count) bytes")
        #expect(markup.hasPrefix(Page.beginning) && markup.hasSuffix("</html>\n"))
        #expect(!markup.contains("<script") && !markup.contains("http:") && !markup.contains("https:"))
        for character in markup.unicodeScalars {
            #expect(character == "\n" || character == "\t" || !character.disturbsText)
        }
        #expect(markup.contains("&lt;/script&gt;&lt;script&gt;alert(&#39;[U+202E]&#39;)&lt;/script&gt;␀"))
    }

    @Test("of several runs has a curve for each, and a column of settings")
    func several() throws {
        let markup = Page(runs: try (0..<3).map { _ in try hostileRecord(shownCount: 100) }).html.markup
        for run in 0..<3 { #expect(markup.contains("class=\"validation run\(run) dash0\"")) }
        #expect(markup.contains("colspan=\"4\""))
    }

    @Test("elements are closed in the order in which they were opened")
    func nesting() throws {
        for count in [1, 2] {
            let markup = Page(runs: try (0..<count).map { _ in try hostileRecord(shownCount: 50) }).html.markup
            var open: [Substring] = []
            for tag in markup.matches(of: /<(\/?)([a-z0-9]+)[^>]*?(\/?)>/.matchingSemantics(.unicodeScalar)) {
                if tag.1 == "/" {
                    #expect(open.popLast() == tag.2)
                } else if tag.3 != "/", !["meta", "input"].contains(tag.2) {
                    open.append(tag.2)
                }
            }
            #expect(open == [])
        }
    }

    @Test("shows few of many samples: more of the early ones, the first and the last")
    func samples() {
        let samples = (0..<100).map { Sample(update: $0, text: "") }
        let chosen = Page.chosen(samples).map(\.update)
        #expect(chosen.count == 8 && chosen.first == 0 && chosen.last == 99)
        #expect(zip(chosen, chosen.dropFirst()).allSatisfy { $0 < $1 })
        #expect(chosen[4] < 50)
        for count in 0...20 {
            let updates = Page.chosen(Array(samples[..<count])).map(\.update)
            #expect(Set(updates).count == min(count, 8))
        }
    }

    @Test("settings of any version are shown, nested ones by the names above them")
    func json() throws {
        let json = """
            {"hiddenSize":128,"seed":18446744073709551615,"rate":0.002,"on":true,"none":null,"sha256":"ab",
             "schedule":{"warmUp":[1,2],"kind":"cosine"}}
            """
        let entries = try JSONDecoder().decode(JSONValue.self, from: Data(json.utf8)).entries
        #expect(
            entries.map { "\($0.name)=\($0.value)" } == [
                "hidden size=128", "none=none", "on=yes", "rate=0.002", "schedule: kind=cosine",
                "schedule: warm up=1, 2", "seed=18446744073709551615", "sha256=ab",
            ])
        let list = (1...30).map(String.init).joined(separator: ",")
        let many = try JSONDecoder().decode(JSONValue.self, from: Data("{\"a\":[\(list)]}".utf8))
        #expect(many.entries[0].value.hasSuffix("19, 20 and 10 more"))
    }
}
