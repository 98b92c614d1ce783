/// What the runs learned from, their settings and their results: a row for each, a column for each
/// run.
struct FactsTable {
    let runs: [RunRecord]

    var html: HTML {
        let heads = runs.map { run -> HTML in "<th scope=\"col\">\(run.name)</th>" }
        let head: HTML = runs.count == 1 ? "" : "<thead><tr><td></td>\(heads)</tr></thead>"
        return "<div class=\"scroll\"><table class=\"facts\">\(head)\n\(groupNames.map(group))</table></div>\n"
    }

    private var groupNames: [String] { unique(runs.flatMap { $0.facts.map(\.group) }) }

    private func group(_ group: String) -> HTML {
        let columns = runs.map { run -> [String: String] in
            let entries = run.facts.filter { $0.group == group }.flatMap(\.entries)
            return Dictionary(entries.map { ($0.name, $0.value) }) { first, _ in first }
        }
        let names = unique(runs.flatMap { $0.facts.filter { $0.group == group }.flatMap { $0.entries.map(\.name) } })
        let rows = names.map { name -> HTML in
            let values = columns.map { $0[name] ?? "" }
            let cells = values.map { value -> HTML in "<td>\(value)</td>" }
            let style: HTML = Set(values).count > 1 ? " class=\"differs\"" : ""
            return "<tr\(style)><th scope=\"row\">\(name)</th>\(cells)</tr>\n"
        }
        return """
            <tbody><tr><th scope="rowgroup" class="group" colspan="\(runs.count + 1)">\(group)</th></tr>
            \(rows)</tbody>

            """
    }

    private func unique(_ names: [String]) -> [String] {
        var seen: Set<String> = []
        return names.filter { seen.insert($0).inserted }
    }
}
