using System.Text;
using BatchViz.Core.Specs;
using static BatchViz.Core.Tests.Specs.Texts;

namespace BatchViz.Core.Tests.Specs;

public class SpecReaderRefusals
{
    [Theory]
    [InlineData("batchSizes", "[0]", "\"batchSizes[0]\" is 0; a batch size is a whole number from 1 up, or \"full\".")]
    [InlineData("batchSizes", "[32, -1]", "\"batchSizes[1]\" is -1; a batch size is a whole number from 1 up, or \"full\".")]
    [InlineData("batchSizes", "[1.5]", "\"batchSizes[0]\" is 1.5; a batch size is a whole number from 1 up, or \"full\".")]
    [InlineData("batchSizes", "[\"half\"]", "\"batchSizes[0]\" is \"half\"; a batch size is a whole number from 1 up, or \"full\".")]
    [InlineData("batchSizes", "[null]", "\"batchSizes[0]\" is null; a batch size is a whole number from 1 up, or \"full\".")]
    [InlineData("batchSizes", "[]", "\"batchSizes\" has 0 entries; it must have 1 to 16.")]
    [InlineData("batchSizes", "32", "\"batchSizes\" is 32; it must be a list in brackets.")]
    [InlineData("batchSizes", "[8, 8]", "\"batchSizes[1]\" repeats the batch size 8; give each once, and use \"seeds\" for repetitions.")]
    [InlineData("batchSizes", null, "\"batchSizes\" is missing; it must be a list such as [1, 32, \"full\"].")]
    [InlineData("learningRate", "\"NaN\"", "\"learningRate\" is \"NaN\"; it must be a number above 0, at most 1,000.")]
    [InlineData("learningRate", "1e999", "\"learningRate\" is 1e999; it must be a number above 0, at most 1,000.")]
    [InlineData(
        "learningRate",
        "1e-46",
        "\"learningRate\" is 1e-46, of which float32, in which networks train, makes 0; the smallest number there is 1.4e-45."
    )]
    [InlineData(
        "learningRate",
        "{ \"1\": 0.1, \"32\": 1e-60 }",
        "\"learningRate.32\" is 1e-60, of which float32, in which networks train, makes 0; the smallest number there is 1.4e-45."
    )]
    [InlineData(
        "optimizer",
        "{ \"weightDecay\": 1e-50 }",
        "\"optimizer.weightDecay\" is 1e-50, of which float32, in which networks train, makes 0; the smallest number there is 1.4e-45."
    )]
    [InlineData(
        "optimizer",
        "{ \"weightDecay\": 0.0004e-400 }",
        "\"optimizer.weightDecay\" is 0.0004e-400, of which float32, in which networks train, makes 0; the smallest number there is 1.4e-45."
    )]
    [InlineData("learningRate", "0", "\"learningRate\" is 0; it must be a number above 0, at most 1,000.")]
    [InlineData("learningRate", "-0.1", "\"learningRate\" is -0.1; it must be a number above 0, at most 1,000.")]
    [InlineData(
        "learningRate",
        "null",
        "\"learningRate\" is missing; it must be a number such as 0.1, or rates by batch size such as { \"1\": 0.01, \"32\": 0.1 }."
    )]
    [InlineData("learningRate", "[0.1]", "\"learningRate\" is a list; it must be a number above 0, at most 1,000.")]
    [InlineData("learningRate", "{ \"1\": 0.1 }", "\"learningRate\" has no rate for the batch size 32.")]
    [InlineData(
        "learningRate",
        "{ \"1\": 0.1, \"32\": 1e999 }",
        "\"learningRate.32\" is 1e999; it must be a number above 0, at most 1,000."
    )]
    [InlineData("learningRate", "{ \"few\": 0.1 }", "\"learningRate\" has the key \"few\", which is not a batch size.")]
    [InlineData("model", "{ \"hidden\": [1000000000] }", "\"model.hidden[0]\" is 1000000000; it must be a whole number from 1 to 16,384.")]
    [InlineData("model", "{ \"hidden\": [8, \"8\"] }", "\"model.hidden[1]\" is \"8\"; it must be a whole number from 1 to 16,384.")]
    [InlineData("model", "[]", "\"model\" is a list; it must be an object in braces.")]
    [InlineData("model", "{ \"bias\": 1 }", "\"model.bias\" is 1; it must be true or false.")]
    [InlineData(
        "model",
        "{ \"activation\": \"Relu\" }",
        "\"model.activation\" is \"Relu\"; it must be one of \"linear\", \"relu\", \"tanh\", \"sigmoid\", \"gelu\"."
    )]
    [InlineData(
        "model",
        "{ \"outputActivation\": \"tanh\" }",
        "\"model.outputActivation\" must be \"linear\" with the loss \"logistic\", which has its own."
    )]
    [InlineData("model", "{ \"kind\": \"surface\" }", "\"model.kind\" can be \"surface\" only for the data double-well, saddle and beale.")]
    [InlineData("model", "{ \"start\": [1] }", "\"model.start\" has 1 entries; it must have 2 to 2.")]
    [InlineData("loss", "\"surface\"", "\"loss\" can be \"surface\" only for the data double-well, saddle and beale.")]
    [InlineData(
        "loss",
        "7",
        "\"loss\" is 7; it must be one of \"cross-entropy\", \"logistic\", \"squared\", \"surface\", \"info-nce\", \"sigmoid-contrastive\"."
    )]
    [InlineData("name", "12", "\"name\" is 12; it must be a text in quotation marks.")]
    [InlineData("name", "\"a\\nb\"", "\"name\" has a control character in it.")]
    [InlineData("seeds", "[1, 1]", "\"seeds\" has the same seed twice.")]
    [InlineData("seeds", "[-1]", "\"seeds[0]\" is -1; it must be a whole number from 0 to 4,294,967,295.")]
    [InlineData("budget", "null", "\"budget\" is missing; it must be an object such as { \"epochs\": 5 }.")]
    [InlineData("budget", "{}", "\"budget\" must have exactly one of epochs, updates, examples and seconds.")]
    [InlineData(
        "budget",
        "{ \"epochs\": 1, \"updates\": 5 }",
        "\"budget\" must have exactly one of epochs, updates, examples and seconds."
    )]
    [InlineData("budget", "{ \"updates\": 0 }", "\"budget.updates\" is 0; it must be a whole number from 1 to 100,000,000.")]
    [InlineData("budget", "{ \"updates\": 1.5 }", "\"budget.updates\" is 1.5; it must be a whole number from 1 to 100,000,000.")]
    [InlineData("optimizer", "{ \"kind\": \"adam\", \"beta2\": 1 }", "\"optimizer.beta2\" is 1; it must be a number from 0 to 0.999999.")]
    [InlineData(
        "data",
        "{ \"kind\": \"cifar\" }",
        "\"data.kind\" is \"cifar\"; it must be one of \"circles\", \"xor\", \"gaussians\", \"spirals\", \"moons\", \"line\", \"double-well\", \"saddle\", \"beale\", \"mnist\", \"csv\", \"idx\", \"fashion-mnist\", \"cifar10\", \"pairs\", \"drift\"."
    )]
    [InlineData("data", "{ \"kind\": \"csv\" }", "\"data.file\" is missing; it must be the name of a CSV file.")]
    [InlineData(
        "data",
        "{ \"kind\": \"csv\", \"file\": \"../secret.csv\" }",
        "\"data.file\" must be the name of a file inside the data folder."
    )]
    [InlineData(
        "data",
        "{ \"kind\": \"csv\", \"file\": \"/etc/passwd\" }",
        "\"data.file\" must be the name of a file inside the data folder."
    )]
    [InlineData(
        "data",
        "{ \"kind\": \"idx\", \"trainImages\": \"a\", \"trainLabels\": \"b\", \"testImages\": \"c\" }",
        "\"data.testImages\" and \"data.testLabels\" must be given together."
    )]
    [InlineData(
        "data",
        "{ \"kind\": \"beale\", \"testExamples\": 5 }",
        "\"data.testExamples\" does not apply to a surface, which has nothing to test."
    )]
    [InlineData("landscape", "{ \"resolution\": 64 }", "\"landscape.resolution\" is 64; it must be 9, 17, 33, 65 or 129.")]
    [InlineData(
        "probes",
        "[\"curvature\"]",
        "\"probes[0]\" is \"curvature\"; it must be one of \"gradient\", \"sharpness\", \"adaptive-sharpness\", \"eigenvalues\", \"trace\", \"gradient-curvature\", \"fisher-rao\", \"noise-scale\"."
    )]
    [InlineData("probes", "[\"trace\", \"trace\"]", "\"probes\" has the same probe twice.")]
    [InlineData("probes", "\"trace\"", "\"probes\" is \"trace\"; it must be a list in brackets.")]
    [InlineData(
        "probes",
        "[\"fisher-rao\"]",
        "\"model.bias\" is true; the Fisher-Rao norm (\"fisher-rao\") is defined for networks without biases."
    )]
    [InlineData("referenceBatchSize", "0", "\"referenceBatchSize\" is 0; it must be a whole number from 1 to 1,000,000,000.")]
    [InlineData("optimizer", "{ \"kind\": \"rmsprop\", \"rho\": 1 }", "\"optimizer.rho\" is 1; it must be a number from 0 to 0.999999.")]
    [InlineData("schedule", "{ \"kind\": \"step\" }", "\"schedule.everyEpochs\" is missing; it must be a whole number of epochs.")]
    [InlineData(
        "schedule",
        "{ \"kind\": \"step\", \"everyEpochs\": 0.5 }",
        "\"schedule.everyEpochs\" is 0.5; it must be a whole number from 1 to 1,000,000."
    )]
    [InlineData(
        "schedule",
        "{ \"kind\": \"step\", \"everyEpochs\": 2, \"factor\": 2 }",
        "\"schedule.factor\" is 2; it must be a number above 0, at most 1."
    )]
    [InlineData(
        "schedule",
        "{ \"kind\": \"exponential\" }",
        "\"schedule.kind\" is \"exponential\"; it must be one of \"constant\", \"step\", \"cosine\"."
    )]
    [InlineData("schedule", "{ \"kind\": \"cosine\", \"floor\": -1 }", "\"schedule.floor\" is -1; it must be a number from 0 to 1.")]
    [InlineData("schedule", "{ \"warmup\": {} }", "\"schedule.warmup.epochs\" is missing; it must be a number of epochs.")]
    [InlineData(
        "schedule",
        "{ \"warmup\": { \"epochs\": 0 } }",
        "\"schedule.warmup.epochs\" is 0; it must be a number above 0, at most 1,000,000."
    )]
    [InlineData("batchSchedule", "{}", "\"batchSchedule.everyEpochs\" is missing; it must be a whole number of epochs.")]
    [InlineData(
        "batchSchedule",
        "{ \"everyEpochs\": 1, \"factor\": 1 }",
        "\"batchSchedule.factor\" is 1; it must be a number from 1.1 to 1,000."
    )]
    [InlineData(
        "batchSchedule",
        "{ \"everyEpochs\": 1, \"maximum\": 31 }",
        "\"batchSchedule.maximum\" is 31, less than the batch size 32 that is to grow."
    )]
    [InlineData("microBatch", "0", "\"microBatch\" is 0; it must be a whole number from 1 to 1,000,000,000.")]
    [InlineData(
        "model",
        "{ \"preset\": \"alexnet\" }",
        "\"model.preset\" is \"alexnet\"; it must be one of \"logistic\", \"mlp\", \"mlp-batchnorm\", \"lenet\", \"resnet-small\", \"mobilenet-small\", \"two-tower\"."
    )]
    [InlineData("model", "{ \"kind\": \"layers\" }", "\"model.layers\" is missing; it must be a list such as [{ \"kind\": \"dense\" }].")]
    [InlineData("model", "{ \"kind\": \"layers\", \"layers\": [7] }", "\"model.layers[0]\" is 7; it must be an object in braces.")]
    [InlineData(
        "model",
        "{ \"kind\": \"layers\", \"layers\": [{ \"kind\": \"conv3d\" }] }",
        "\"model.layers[0].kind\" is \"conv3d\"; it must be one of \"conv2d\", \"maxPool\", \"avgPool\", \"flatten\", \"dense\", \"batchNorm\", \"groupNorm\", \"layerNorm\", \"dropout\", \"activation\", \"residual\"."
    )]
    [InlineData(
        "model",
        "{ \"kind\": \"layers\", \"layers\": [{ \"kind\": \"conv2d\", \"filters\": 4 }] }",
        "\"model.layers[0].kernel\" is missing; it must be the rows and columns of a filter."
    )]
    [InlineData(
        "model",
        "{ \"kind\": \"layers\", \"layers\": [{ \"kind\": \"conv2d\", \"filters\": 4, \"kernel\": 3, \"padding\": 3 }] }",
        "\"model.layers[0].padding\" is 3; it must be less than the kernel of 3."
    )]
    [InlineData(
        "model",
        "{ \"kind\": \"layers\", \"layers\": [{ \"kind\": \"residual\", \"layers\": [{ \"kind\": \"dropout\", \"rate\": 1 }] }] }",
        "\"model.layers[0].layers[0].rate\" is 1; it must be a number from 0 to 0.99."
    )]
    [InlineData(
        "loss",
        "\"info-nce\"",
        "\"loss\" is \"info-nce\", which needs a model of two towers: \"model.preset\" \"two-tower\", or \"model.towers\" 2."
    )]
    [InlineData(
        "model",
        "{ \"preset\": \"two-tower\" }",
        "\"loss\" must be \"info-nce\" or \"sigmoid-contrastive\" for a model of two towers."
    )]
    public void A_wrong_value_is_refused_with_its_key(string key, string? json, string sentence) =>
        Assert.Equal(sentence, Refusal(With((key, json))));

    [Theory]
    [InlineData("learningrate", "0.1", "\"learningrate\" is not a key of an experiment (did you mean \"learningRate\"?).")]
    [InlineData("optimiser", "{}", "\"optimiser\" is not a key of an experiment (did you mean \"optimizer\"?).")]
    [InlineData("model", "{ \"hiden\": [8] }", "\"model.hiden\" is not a key of \"model\" (did you mean \"hidden\"?).")]
    [InlineData("sampler", "{ \"drop\": true }", "\"sampler.drop\" is not a key of \"sampler\"; known here are order, remainder, hard.")]
    [InlineData(
        "optimizer",
        "{ \"kind\": \"sgd\", \"momentum\": 0.9 }",
        "\"optimizer.momentum\" is not a key of \"optimizer\"; known here are kind, weightDecay."
    )]
    [InlineData(
        "optimizer",
        "{ \"kind\": \"adagrad\", \"rho\": 0.9 }",
        "\"optimizer.rho\" is not a key of \"optimizer\"; known here are kind, weightDecay, epsilon."
    )]
    [InlineData(
        "schedule",
        "{ \"kind\": \"cosine\", \"factor\": 0.5 }",
        "\"schedule.factor\" is not a key of \"schedule\"; known here are kind, warmup, epochs, floor."
    )]
    [InlineData(
        "model",
        "{ \"preset\": \"mlp\", \"hidden\": [8] }",
        "\"model.hidden\" is not a key of \"model\"; known here are preset, initializer."
    )]
    [InlineData(
        "model",
        "{ \"kind\": \"layers\", \"layers\": [{ \"kind\": \"dense\", \"unit\": 8 }] }",
        "\"model.layers[0].unit\" is not a key of \"model.layers[0]\" (did you mean \"units\"?)."
    )]
    public void An_unknown_key_is_refused_with_a_hint(string key, string json, string sentence) =>
        Assert.Equal(sentence, Refusal(With((key, json))));

    [Fact]
    public void A_misspelt_key_is_named_rather_than_the_one_that_is_missing() =>
        Assert.Equal(
            "\"batchSize\" is not a key of an experiment (did you mean \"batchSizes\"?).",
            Refusal(With(("batchSizes", null), ("batchSize", "[1]")))
        );

    [Fact]
    public void A_long_unknown_key_does_not_flood_the_sentence() =>
        Assert.Contains("zzz…\" is not a key", Refusal(With((new string('z', 5000), "1"))));

    [Theory]
    [InlineData(
        "{ \"learningRate\": NaN }",
        "The experiment is not JSON: line 1, column 19, at \"learningRate\", NaN is not a value (text needs quotation marks, numbers are finite)."
    )]
    [InlineData(
        "{ \"budget\": { \"epochs\": Infinity } }",
        "The experiment is not JSON: line 1, column 25, at \"budget.epochs\", Infinity is not a value (text needs quotation marks, numbers are finite)."
    )]
    [InlineData("", "The experiment is not JSON: line 1, column 1, it ends too early.")]
    [InlineData("   \n ", "The experiment is not JSON: line 2, column 2, it ends too early.")]
    [InlineData("{ \"name\": \"a\"", "The experiment is not JSON: line 1, column 14, at \"name\", it ends too early.")]
    [InlineData("[1]", "The experiment is not a JSON object but a list.")]
    [InlineData("null", "The experiment is not a JSON object but null.")]
    [InlineData("{ \"seeds\": [1], \"seeds\": [2] }", "\"seeds\" is given twice.")]
    [InlineData("{ \"data\": { \"kind\": \"moons\", \"kind\": \"xor\" } }", "\"data.kind\" is given twice.")]
    public void Text_that_is_not_an_experiment_is_refused_with_its_place(string text, string sentence) =>
        Assert.Equal(sentence, Refusal(text));

    [Fact]
    public void Trailing_text_is_refused() => Assert.StartsWith("The experiment is not JSON: line 1, column", Refusal(With() + " x"));

    [Fact]
    public void Comments_and_trailing_commas_are_not_JSON()
    {
        Assert.StartsWith("The experiment is not JSON", Refusal("{ // no\n }"));
        Assert.StartsWith("The experiment is not JSON", Refusal("{ \"seeds\": [1,] }"));
    }

    [Theory]
    [InlineData('[', ']')]
    [InlineData('{', '}')]
    public void Nesting_20000_deep_is_refused_without_recursion(char open, char close)
    {
        string deep =
            open == '['
                ? new string(open, 20_000) + new string(close, 20_000)
                : string.Concat(Enumerable.Repeat("{\"a\":", 20_000)) + "1" + new string(close, 20_000);
        Assert.Equal("The experiment is nested more than 32 levels deep (line 1).", Refusal(With(("model", deep))));
    }

    [Fact]
    public void Invalid_UTF8_is_refused_wherever_it_stands()
    {
        byte[] text = Encoding.UTF8.GetBytes(With(("name", "\"??\""), ("model", "{ \"!\": \"!!\" }")));
        foreach (byte mark in "?!"u8)
        {
            byte[] broken = [.. text.Select(b => b == mark ? (byte)0xFF : b)];
            Assert.Equal("The experiment is not UTF-8 text.", Refusal(() => SpecReader.Read(broken)));
        }
    }

    [Theory]
    [InlineData("name", "\"\\ud800\"")]
    [InlineData("model", "{ \"\\udfff\": 1 }")]
    [InlineData("loss", "\"\\ud800\"")]
    [InlineData("learningRate", "{ \"\\ud800\": 1 }")]
    public void Half_a_character_is_refused(string key, string json) =>
        Assert.Equal($"\"{key}\" has text that is not valid Unicode.", Refusal(With((key, json))));

    [Fact]
    public void A_file_of_more_than_a_megabyte_is_refused() =>
        Assert.Equal("The experiment is larger than 1 MB, too large for an experiment.", Refusal(With() + new string(' ', 1 << 20)));

    [Fact]
    public void What_cannot_grow_is_refused()
    {
        const string Growth = "{ \"everyEpochs\": 2 }";
        Assert.Equal(
            "\"batchSchedule\" cannot go with \"sampler.remainder\" \"carry\", whose batches cross from one epoch into the next.",
            Refusal(With(("batchSchedule", Growth), ("sampler", "{ \"remainder\": \"carry\" }")))
        );
        Assert.Equal(
            "\"batchSchedule\" cannot go with the batch size \"full\", which is as large as can be.",
            Refusal(With(("batchSchedule", Growth), ("batchSizes", "[1, \"full\"]")))
        );
    }

    [Fact]
    public void A_cosine_needs_an_end() =>
        Assert.Equal(
            "\"schedule.epochs\" must be given, since a budget in seconds does not say how long the cosine is.",
            Refusal(With(("schedule", "{ \"kind\": \"cosine\" }"), ("budget", "{ \"seconds\": 1 }")))
        );

    [Fact]
    public void Too_many_runs_are_refused() =>
        Assert.Equal(
            "\"batchSizes\" times \"seeds\" make 80 runs; at most 64 can train at once.",
            Refusal(With(("seeds", $"[{string.Join(',', Enumerable.Range(1, 40))}]")))
        );

    [Fact]
    public void A_rule_beside_tuned_rates_is_refused() =>
        Assert.Equal(
            "\"learningRateRule\" and \"referenceBatchSize\" do not apply when \"learningRate\" gives a rate for each batch size.",
            Refusal(With(("learningRate", "{ \"1\": 0.1, \"32\": 0.2 }"), ("learningRateRule", "\"linear\"")))
        );

    [Fact]
    public void Any_cut_or_changed_byte_gives_an_experiment_or_one_sentence()
    {
        byte[] text = Encoding.UTF8.GetBytes(SpecWriter.Write(Read(With(("name", "\"é\"")))).ToJsonString());
        var random = new Random(1);
        for (int i = 0; i < 4000; i++)
        {
            byte[] changed = i < text.Length ? text[..i] : (byte[])text.Clone();
            if (i >= text.Length)
                changed[random.Next(changed.Length)] = (byte)random.Next(256);
            try
            {
                SpecReader.Read(changed);
            }
            catch (RefusedException e)
            {
                AssertSentence(e.Message);
            }
        }
    }

    [Fact]
    public void Foreign_keys_cannot_break_the_sentence_that_refuses_them()
    {
        Assert.Equal("\"p ace\" is given twice.", Refusal("""{ "p\u0000ace": 1, "p\u0000ace": 2 }"""));
        string deep = string.Concat(Enumerable.Repeat("{\"batchSchedule\": ", 30));
        Assert.StartsWith("The experiment is not JSON: line 1, column ", Refusal(deep + "nonsense"));
    }

    [Theory]
    [InlineData("32\\u0000")]
    [InlineData("032")]
    public void A_rate_is_for_a_batch_size_written_plainly(string batch)
    {
        string sentence = Refusal(
            $$"""{ "data": { "kind": "moons" }, "learningRate": { "{{batch}}": 0.1 }, "batchSizes": [32], "budget": { "epochs": 1 } }"""
        );
        Assert.EndsWith(", which is not a batch size.", sentence);
    }

    public static TheoryData<string, string> Greedy =>
        new()
        {
            { "many keys", "{" + string.Join(',', Enumerable.Range(0, 100_000).Select(i => $"\"{i:x}\":1")) + "}" },
            { "one key, many times", "{" + string.Join(',', Enumerable.Repeat("\"a\":1", 150_000)) + "}" },
            {
                "many empty keys below another",
                "{\"data\":{" + string.Join(',', Enumerable.Range(0, 100_000).Select(i => $"\"{i:x}\":{{}}")) + "}}"
            },
            { "a long list", "{\"seeds\":[" + string.Join(',', Enumerable.Repeat("1", 500_000)) + "]}" },
            { "a long list of lists", "{\"batchSizes\":[" + string.Join(',', Enumerable.Repeat("[]", 300_000)) + "]}" },
            { "a list of short texts", "{\"batchSizes\":[" + string.Join(',', Enumerable.Repeat("\"\"", 300_000)) + "]}" },
            { "a long text", "{\"name\":\"" + new string('x', 1_000_000) + "\"}" },
            { "a long escaped text", "{\"name\":\"" + string.Concat(Enumerable.Repeat("\\n", 500_000)) + "\"}" },
            { "a long text for a number", "{\"data\":{\"kind\":\"moons\",\"noise\":\"" + new string('x', 1_000_000) + "\"}}" },
            { "a long key", "{\"" + new string('x', 1_000_000) + "\":1}" },
            { "a long key below another", "{\"data\":{\"kind\":\"moons\",\"" + new string('x', 1_000_000) + "\":1}}" },
            { "a long key before what is no JSON", "{\"" + new string('x', 1_000_000) + "\":nonsense" },
            { "a long number", "{\"microBatch\":" + new string('1', 1_000_000) + "}" },
            { "many of everything in 50 kB", "{" + string.Join(',', Enumerable.Range(0, 7_000).Select(i => $"\"{i:x}\":1")) + "}" },
            { "blanks", "{" + new string(' ', 1_000_000) + "}" },
            { "open brackets", new string('[', 1_000_000) },
        };

    [Theory]
    [MemberData(nameof(Greedy))]
    public void Reading_takes_at_most_ten_times_the_file_and_a_megabyte(string what, string text)
    {
        byte[] file = Encoding.UTF8.GetBytes(text);
        long taken = 0;
        // Twice, since the first time lays out tables that stay.
        for (int time = 0; time < 2; time++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            Refusal(() => SpecReader.Read(file));
            taken = GC.GetAllocatedBytesForCurrentThread() - before;
        }
        Assert.True(taken <= 10L * file.Length + (1 << 20), $"{what}: {taken:#,0} bytes for a file of {file.Length:#,0}");
    }
}
