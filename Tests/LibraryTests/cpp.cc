/* Tests of include/chargen.hpp: cpp MODEL, a model of names. */
#include <chargen.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <limits>

#define CHECK(condition)                                                                                     \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            std::fprintf(stderr, "cpp.cc:%d: not true: %s\n", __LINE__, #condition);                         \
            std::exit(1);                                                                                    \
        }                                                                                                    \
    } while (0)

template <class Call> static chargen_status status_of(Call call) {
    try {
        call();
        return CHARGEN_OK;
    } catch (const chargen::error &error) {
        CHECK(*error.what() != '\0');
        return error.status();
    }
}

int main(int argc, char **argv) {
    CHECK(argc == 3);
    chargen::model model(argv[1]);
    std::ifstream file(argv[1], std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    chargen::model same(bytes.data(), bytes.size());
    CHECK(same.characters() == model.characters() && same.provenance() == model.provenance());
    CHECK(model.knows(model.characters()[0]) && model.has_end_of_document() && !model.cell().empty());
    CHECK(model.verify());
    CHECK(status_of([&] { chargen::model nothing("no/such/file"); }) == CHARGEN_FILE_ACCESS);

    // All ways to generate give the same text.
    chargen::session session(model), other(model);
    session.set_seed(3).set_temperature(0.8f).set_top_p(0.95f);
    other = session.clone();
    std::string text;
    for (char32_t character : session) text += chargen::encode(character);
    CHECK(session.ended() && session.end_reason() == CHARGEN_REASON_DOCUMENT && !text.empty());
    CHECK(other.generate(SIZE_MAX) == text);
    chargen::session moved = std::move(other);
    CHECK(moved.generate(50) == session.generate(50));

    // Callbacks: of any kind, that stop, that throw.
    std::size_t count = 0;
    session.stream([&](std::string_view) { return ++count < 3; }, 100);
    CHECK(count == 3 || session.ended());
    try {
        session.stream([](std::string_view) { throw std::runtime_error("from the callback"); }, 100);
        CHECK(false);
    } catch (const std::runtime_error &error) {
        CHECK(std::string(error.what()) == "from the callback");
    }

    // Snapshots, undo, stop strings, patterns.
    session.reset();
    session.set_undo(20);
    session.feed("Al");
    const std::string follows = chargen::session(model, session.snapshot()).generate(20);
    session.feed(U'e');
    session.undo(1);
    CHECK(session.generate(20) == follows);
    CHECK(status_of([&] { session.undo(1000); }) == CHARGEN_INVALID_ARGUMENT);
    chargen::session shaped = session.create_sharing();
    shaped.set_pattern(chargen::pattern(model, "[A-Z][a-z]{3,5}")).set_seed(1);
    const std::string name = shaped.generate(50);
    CHECK(name.size() >= 4 && name.size() <= 6 && name[0] >= 'A' && name[0] <= 'Z');
    shaped.set_pattern(chargen::pattern::from_template(model, "A_b_", U'_', "xyz"));
    CHECK(shaped.generate(50).size() == 4);
    shaped.clear_pattern().set_stop_strings({"a", "e", "o"});
    shaped.generate(1000);
    CHECK(shaped.end_reason() == CHARGEN_REASON_STOP_STRING || shaped.ended());
    CHECK(status_of([&] { chargen::pattern wrong(model, "(a"); }) == CHARGEN_INVALID_PATTERN);
    CHECK(status_of([&] { shaped.set_temperature(std::numeric_limits<float>::quiet_NaN()); }) == CHARGEN_INVALID_ARGUMENT);

    // What may come next.
    session.reset();
    const auto first = session.likeliest(3);
    CHECK(first.size() == 3 && first[0].probability == session.probability(first[0].character));
    CHECK(session.likeliest(SIZE_MAX).size() == model.characters().size() + 1);
    CHECK(std::abs(session.log_probabilities()[0] - std::log(session.probabilities()[0])) < 1e-3f);
    const auto score = chargen::session(model).score_document("Alford");
    CHECK(score.characters == 7 && score.log_probability < 0);
    chargen::beam beam(model, 5, 8);
    const auto found = beam.search(session, 8);
    CHECK(found.size() == 5 && found[0].log_probability >= found[4].log_probability);

    // Batches.
    chargen::session one(model), two(model);
    chargen::batch batch(model, 2);
    batch.feed({&one, &two}, {"Al", "B"});
    CHECK(batch.score({&one, &two}, {"f", ""})[1] == 0);
    const auto next = batch.next({&one, &two});
    chargen::session alone(model);
    alone.feed("Alf");
    CHECK(next.size() == 2 && next[0] == alone.next());

    // Labels.
    CHECK(model.label_columns().empty() && model.labels().empty());
    CHECK(status_of([&] { alone.set_label(0); }) == CHARGEN_INVALID_ARGUMENT);
    const chargen::model labelled(argv[2]);
    chargen::session kind(labelled);
    CHECK(labelled.label_columns().size() == 2 && labelled.label_columns()[1] == "kind");
    CHECK(labelled.find_label("b") == 1 && labelled.labels()[1] == "b" && labelled.labels(1)[1] == "long");
    kind.set_label(1).set_label(0, 1);
    const float logit = kind.logits()[0];
    kind.set_label(0).set_label_weights({0, 2, 0});
    CHECK(kind.logits()[0] == logit);
    kind.set_label(-1);
    CHECK(kind.logits()[0] != logit);
    const auto probabilities = kind.classify(labelled, "abc");
    CHECK(probabilities.size() == 3 && std::abs(probabilities[0] + probabilities[1] + probabilities[2] - 1) < 1e-5f);
    kind.set_label(1).set_initial_state(std::vector<float>(chargen_session_state_size(kind.handle()), 0.5f));
    CHECK(kind.logits()[0] != logit);
    return 0;
}
