import Foundation
import InferenceEngine
import ModelFormat
import Training

/// What a report shows of a column of labels: a text of each label, and which labels held-out texts
/// are taken for.
struct LabelSection {
    let column: String
    /// The labels, the first ones of many, each with a text that the model generates for it.
    let samples: [(label: String, text: String)]
    /// nil without held-out documents that have a label.
    let table: ConfusionTable?

    private static let sampleCount = 24
    private static let sampleLength = 300
    private static let temperature: Float = 0.7
    /// The most symbols that are scored, one for each label, so that a report takes seconds.
    private static let scoredLimit = 4_000_000

    /// The sections of a model's columns; none without labels.
    ///
    /// - Throws: `ChargenError`.
    static func sections(of model: Model, on passages: [Passage]) throws -> [LabelSection] {
        try (0..<model.labelColumnCount).map { try LabelSection(of: model, on: passages, column: $0) }
    }

    private init(of model: Model, on passages: [Passage], column: Int) throws {
        let own = try model.labels(havingColumn: column).columns[column]
        let labels = own.labels
        self.column = own.name
        let session = try Session(model)
        try session.setTemperature(LabelSection.temperature)
        samples = try labels.prefix(LabelSection.sampleCount).enumerated().map { label, name in
            session.reset()
            session.seed = UInt64(label)
            try session.setLabel(label, column: column)
            return (name, session.generate(limit: LabelSection.sampleLength))
        }
        var rest = LabelSection.scoredLimit / max(1, labels.count)
        let documents = passages.compactMap { passage -> (text: String, label: Int)? in
            // A passage within a document says too little of its label.
            guard passage.given == nil || !model.hasEndOfDocument, rest > 0, column < passage.labels.count,
                let label = passage.labels[column]
            else { return nil }
            rest -= passage.symbols.count
            let characters = passage.symbols.filter { $0 != model.vocabulary.endOfDocument }
            return (Passage(given: passage.given, symbols: characters).text(model.vocabulary), label)
        }
        table = documents.isEmpty ? nil : try ConfusionTable(of: model, on: documents, column: column)
    }

    var html: HTML {
        let items = samples.map { sample -> HTML in
            "<li><h3>\(sample.label)</h3><p class=\"text\" dir=\"auto\">\(sample.text)</p></li>\n"
        }
        return """
            <section><h2>Labels: \(column)</h2>\(table.map(tableHTML) ?? "")
            <ol class="samples">
            \(items)</ol></section>

            """
    }

    private func tableHTML(_ table: ConfusionTable) -> HTML {
        let count = table.counts.joined().reduce(0, +)
        let accuracy = String(format: "%.1f", 100 * (table.accuracy ?? 0))
        let sentence: HTML = """
            <p>Of \(counted(count, "held-out document")), \(accuracy) % are taken for their own label.</p>
            """
        // More would not fit a page.
        guard table.labels.count <= 12 else { return sentence }
        let heads = table.labels.map { label -> HTML in "<th scope=\"col\" class=\"number\">\(label)</th>" }
        let rows = table.labels.indices.map { label -> HTML in
            let cells = table.counts[label].enumerated().map { other, count -> HTML in
                let style: HTML = label == other ? " class=\"own\"" : ""
                return "<td\(style)>\(count)</td>"
            }
            return "<tr><th scope=\"row\">\(table.labels[label])</th>\(cells)</tr>\n"
        }
        return """
            \(sentence)<div class="scroll"><table class="confusion"><thead><tr><th scope="col">is ↓, taken for →</th>\(heads)</tr></thead><tbody>
            \(rows)</tbody></table></div>
            """
    }
}
