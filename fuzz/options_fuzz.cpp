// Options from JSON, from flags and from the record of an earlier run, and amounts of memory: any bytes give values within the schema, or a usage Error.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "fuzz/expect.hpp"
#include "fuzz/memory_file.hpp"
#include "morula/analysis/generate.hpp"
#include "morula/core/context.hpp"
#include "morula/core/describe.hpp"
#include "morula/core/error.hpp"
#include "morula/pipeline/run_record.hpp"

using morula::analysis::GenerateOptions;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const morula::Schema schema = morula::schema_of<GenerateOptions>();
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    try {
        const morula::FieldValues values = morula::values_from_json(schema, text);
        const auto options = morula::with_values(GenerateOptions{}, values);
        // What was read must read back as itself.
        const morula::FieldValues all = morula::values_of(options);
        if (morula::to_json(morula::values_from_json(schema, morula::to_json(all))) != morula::to_json(all)) __builtin_trap();
    } catch (const morula::Error& error) {
        if (error.code() != morula::ErrorCode::usage) __builtin_trap();
    }
    for (const morula::FieldSchema& field : schema) {
        try {
            morula::check_field(field, morula::parse_field(field, text));
        } catch (const morula::Error& error) {
            if (error.code() != morula::ErrorCode::usage) __builtin_trap();
        }
    }
    try {
        if (morula::parse_bytes(text) < 0) __builtin_trap();
    } catch (const morula::Error& error) {
        if (error.code() != morula::ErrorCode::usage) __builtin_trap();
    }
    const morula::fuzz::MemoryFile record(data, size);
    morula::fuzz::expect_value_or_error([&] { morula::pipeline::options_of_earlier_run(record.path(), schema); });
    return 0;
}
