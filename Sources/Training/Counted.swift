/// A number with its noun in a message, such as `1 line` or `2,000 lines`.
public func counted(_ count: Int, _ noun: String) -> String {
    let digits = String(count.magnitude)
    var grouped = ""
    for (index, digit) in digits.enumerated() {
        if index > 0, (digits.count - index) % 3 == 0 { grouped += "," }
        grouped.append(digit)
    }
    return (count < 0 ? "-" : "") + grouped + " " + noun + (count == 1 ? "" : "s")
}
