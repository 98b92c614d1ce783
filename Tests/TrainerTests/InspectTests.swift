import Foundation
import ModelFormat
import TestSupport
import Testing

@Suite("What inspect prints of a file from elsewhere")
struct InspectTests {
    /// The output of `inspect` for a model with a provenance.
    private func inspect(_ provenance: String, _ options: String...) throws -> String {
        try withTemporaryFolder { folder in
            let file = try ModelFile.replacingProvenance(of: randomModel(.gru), with: provenance)
            try Data(file).write(to: folder.appendingPathComponent("model.cgw"))
            let result = try Command.trainer(["inspect", "model.cgw"] + options, in: folder)
            #expect(result.status == 0, "\(result.errors)")
            return result.output
        }
    }

    private func hasControls(_ output: String) -> Bool {
        output.unicodeScalars.contains { $0 != "\n" && $0.properties.generalCategory == .control }
    }

    @Test("a provenance that is not JSON shows its control characters, and is a string with --json")
    func noJSON() throws {
        let provenance = "\u{1B}[2J\u{7}no JSON\u{9B}1m\u{7F}\r"
        let output = try inspect(provenance)
        #expect(!hasControls(output) && output.contains(#"␛[2J␇no JSON\u{009B}1m␡␍"#), "\(output)")
        let json = try inspect(provenance, "--json")
        #expect(!hasControls(json))
        #expect(try JSONDecoder().decode(String.self, from: Data(json.utf8)) == provenance)
    }

    @Test("control characters in the strings of a JSON provenance are escaped, and it stays the same JSON")
    func json() throws {
        let values = ["a": "\u{9B}2J\u{85}", "b": "\u{7F}\u{202E}", "c": "é\t"]
        let provenance = String(decoding: try JSONEncoder().encode(values), as: UTF8.self)
        #expect(hasControls(provenance))
        #expect(try !hasControls(inspect(provenance)))
        let json = try inspect("\r\n" + provenance, "--json")
        #expect(!hasControls(json) && !json.unicodeScalars.contains("\u{202E}"))
        #expect(try JSONDecoder().decode([String: String].self, from: Data(json.utf8)) == values)
    }
}
