# Fixtures of pseudobulk differences: edgeR (Debian 12: 3.40) on counts made up here. edgeR runs in a process of its own; nothing of it is in Morula.
#
# Run: Rscript oracles/edger.R   (writes tests/analysis/fixtures/edger/; needs the Debian packages of group oracles)
# For each cohort: NAME.counts.csv (genes x samples), NAME.design.csv (sample: library size, normalisation factor, design row), NAME.scalars.csv,
# NAME.genes.csv (one kept gene a line); for those with several contrasts NAME.contrasts.csv and NAME.tests.csv. Numbers have 15 digits.
suppressMessages(library(edgeR))
suppressMessages(library(splines))

folder <- commandArgs(trailingOnly = FALSE)
folder <- sub("^--file=", "", folder[grepl("^--file=", folder)])
folder <- file.path(dirname(normalizePath(folder)), "..", "tests", "analysis", "fixtures", "edger")
dir.create(folder, showWarnings = FALSE, recursive = TRUE)
versions <- sprintf("# edgeR %s, limma %s, R %s.%s", packageVersion("edgeR"), packageVersion("limma"), R.version$major, R.version$minor)

digits <- function(x) formatC(x, digits = 15, format = "g", width = 1)
write_rows <- function(name, header, rows) writeLines(c(versions, paste("#", header), rows), file.path(folder, name))

# Counts of n_genes x samples: negative binomial, dispersion falling with the mean, effects on every tenth gene of the
# samples where `case` is 1; every 25th gene is silent where it is 0.
made_up <- function(seed, n_genes, case, donor = NULL, dispersion = 0.1, depth = 1, spread = 0.7) {
  set.seed(seed)
  n <- length(case)
  base <- exp(rnorm(n_genes, 3, 1.6))
  size <- exp(rnorm(n, 0, 0.4)) * depth
  fold <- ifelse(seq_len(n_genes) %% 10 == 0, exp(rnorm(n_genes, 0, 1)), 1)
  mean <- outer(base, size) * fold^rep(case, each = n_genes)
  if (!is.null(donor)) for (d in unique(donor)) mean[, donor == d] <- mean[, donor == d] * exp(rnorm(n_genes, 0, 0.3))
  mean[seq_len(n_genes) %% 25 == 0, case == 0] <- 0
  phi <- dispersion * (1 + 3 / base) * exp(rnorm(n_genes, 0, spread))
  matrix(rnbinom(n_genes * n, mu = mean, size = 1 / pmax(phi, 1e-8)), n_genes)
}

fit_cohort <- function(name, counts, design, coef) {
  y <- DGEList(counts)
  keep <- filterByExpr(y, design)
  all_factors <- calcNormFactors(y)$samples$norm.factors  # of all genes
  y <- y[keep, , keep.lib.sizes = FALSE]
  y <- calcNormFactors(y)
  y <- estimateDisp(y, design)
  fit <- glmQLFit(y, design)
  test <- glmQLFTest(fit, coef = coef)
  # p as glmQLFTest computes it, but as a logarithm; where the program bounded it by the Poisson test, its own p.
  df_total <- pmin(fit$df.prior + fit$df.residual.zeros, nrow(y) * (ncol(y) - ncol(design)))
  log_p <- pf(test$table$F, 1, df_total, lower.tail = FALSE, log.p = TRUE) / log(10)
  bounded <- abs(log10(test$table$PValue) - log_p) > 1e-6 & test$table$PValue > 1e-290
  log_p[bounded] <- log10(test$table$PValue[bounded])
  write_rows(paste0(name, ".counts.csv"), "kept by filterByExpr, then the counts of each sample", paste(as.integer(keep), apply(counts, 1, paste, collapse = ","), sep = ","))
  write_rows(paste0(name, ".design.csv"), "library size of kept genes, normalisation factor, factor with all genes, design row",
             paste(digits(y$samples$lib.size), digits(y$samples$norm.factors), digits(all_factors), apply(design, 1, function(row) paste(digits(row), collapse = ",")), sep = ","))
  write_rows(paste0(name, ".scalars.csv"), "tested column of the design from 0, common dispersion, prior df of the dispersions, prior df of the quasi-dispersions, genes bounded by the Poisson test",
             paste(coef - 1, digits(y$common.dispersion), digits(y$prior.df[1]), digits(fit$df.prior[1]), sum(bounded), sep = ","))
  write_rows(paste0(name, ".genes.csv"), "average log2 CPM, trended dispersion, tagwise dispersion, deviance, residual df, prior variance, posterior variance, log2 fold change, coefficient, F, log10 p",
             paste(digits(y$AveLogCPM), digits(y$trended.dispersion), digits(y$tagwise.dispersion), digits(fit$deviance), digits(fit$df.residual.zeros),
                   digits(rep_len(fit$var.prior, nrow(y))), digits(fit$var.post), digits(test$table$logFC), digits(fit$unshrunk.coefficients[, coef]), digits(test$table$F), digits(log_p), sep = ","))
  cat(sprintf("%s: %d of %d genes, %d samples, prior df %.3g, %d bounded\n", name, nrow(y), nrow(counts), ncol(y), fit$df.prior[1], sum(bounded)))
}

# Several contrasts of one fit, and several coefficients (or contrasts) together. coefs: the columns of the design that are tested together;
# contrasts: columns of weights. NAME.contrasts.csv: a contrast a line. NAME.tests.csv: a kept gene a line.
fit_levels <- function(name, counts, design, coefs, contrasts) {
  y <- DGEList(counts)
  keep <- filterByExpr(y, design)
  all_factors <- calcNormFactors(y)$samples$norm.factors
  y <- calcNormFactors(y[keep, , keep.lib.sizes = FALSE])
  y <- estimateDisp(y, design)
  fit <- glmQLFit(y, design)
  df_total <- pmin(fit$df.prior + fit$df.residual.zeros, nrow(y) * (ncol(y) - ncol(design)))
  log10_p <- function(test, df) {
    log_p <- pf(test$table$F, df, df_total, lower.tail = FALSE, log.p = TRUE) / log(10)
    bounded <- abs(log10(test$table$PValue) - log_p) > 1e-6 & test$table$PValue > 1e-290
    log_p[bounded] <- log10(test$table$PValue[bounded])
    log_p
  }
  columns <- list()
  for (k in seq_len(ncol(contrasts))) {
    test <- glmQLFTest(fit, contrast = contrasts[, k])
    columns <- c(columns, list(test$table$logFC, log10_p(test, 1)))
  }
  together <- glmQLFTest(fit, coef = coefs)
  same <- glmQLFTest(fit, contrast = diag(ncol(design))[, coefs])
  stopifnot(max(abs(together$table$F - same$table$F)) < 1e-6 * max(together$table$F))
  columns <- c(columns, list(together$table$F, log10_p(together, length(coefs))))
  write_rows(paste0(name, ".counts.csv"), "kept by filterByExpr, then the counts of each sample", paste(as.integer(keep), apply(counts, 1, paste, collapse = ","), sep = ","))
  write_rows(paste0(name, ".design.csv"), "library size of kept genes, normalisation factor, factor with all genes, design row",
             paste(digits(y$samples$lib.size), digits(y$samples$norm.factors), digits(all_factors), apply(design, 1, function(row) paste(digits(row), collapse = ",")), sep = ","))
  write_rows(paste0(name, ".contrasts.csv"), "tested together (1) or not, then a weight a column of the design: first the coefficients that are tested together, then contrasts of their own",
             c(apply(diag(ncol(design))[coefs, , drop = FALSE], 1, function(row) paste(c(1, digits(row)), collapse = ",")), apply(contrasts, 2, function(row) paste(c(0, digits(row)), collapse = ","))))
  write_rows(paste0(name, ".tests.csv"), "log2 fold change and log10 p of each contrast of its own, then F and log10 p of all coefficients together", do.call(paste, c(lapply(columns, digits), sep = ",")))
  cat(sprintf("%s: %d of %d genes, %d samples, prior df %.3g, %d contrasts\n", name, nrow(y), nrow(counts), ncol(y), fit$df.prior[1], ncol(contrasts)))
}

# 4, 3 and 4 donors of three levels: each case against the control, one against the other, their mean against the control.
level <- rep(0:2, c(4, 3, 4))
fit_levels("three_levels", made_up(31, 400, level, depth = c(1, .5, 2, 1, .2, 1, 3, 1, .7, 1, 1)), model.matrix(~ factor(level)), 2:3, cbind(c(0, 1, 0), c(0, 0, 1), c(0, -1, 1), c(0, .5, .5)))

# 5 donors in three conditions each, but for two of them that were seen in two.
level <- rep(0:2, 5)[-c(6, 13)]
donor <- factor(rep(1:5, each = 3)[-c(6, 13)])
fit_levels("three_paired", made_up(32, 300, level, donor), model.matrix(~ donor + factor(level)), 6:7, cbind(c(rep(0, 5), 1, 0), c(rep(0, 5), 0, 1), c(rep(0, 5), -1, 1), c(rep(0, 5), -.5, 1)))

# Four levels, batches and a number beside them; three coefficients together.
level <- rep(0:3, c(4, 4, 3, 4))
batch <- factor(c(1, 2, 1, 2, 1, 1, 2, 2, 2, 1, 2, 1, 2, 1, 2))
age <- c(31, 44, 52, 38, 61, 27, 70, 49, 55, 33, 47, 58, 41, 66, 36)
fit_levels("four_levels", made_up(33, 300, level, NULL, 0.2), model.matrix(~ batch + age + factor(level)), 4:6, cbind(c(0, 0, 0, 1, 0, 0), c(0, 0, 0, 0, -1, 1), c(0, 0, 0, -1/3, -1/3, 2/3)))

# Hardly more variable than Poisson: p of several coefficients bounded by the Poisson test.
level <- rep(0:2, each = 3)
fit_levels("three_poisson", made_up(34, 200, level, NULL, 1e-3, spread = 0), model.matrix(~ factor(level)), 2:3, cbind(c(0, 1, 0), c(0, -1, 1)))

# 3 against 3.
case <- rep(0:1, each = 3)
fit_cohort("two_groups", made_up(11, 400, case), model.matrix(~case), 2)

# 6 donors, each in both conditions; two with so few counts that many of their pairs are empty.
case <- rep(0:1, 6)
donor <- factor(rep(1:6, each = 2))
fit_cohort("paired", made_up(12, 300, case, donor, depth = rep(c(1, .004, 1, .5, 2, .02), each = 2)), model.matrix(~ donor + case), 7)

# Batch and a number beside the condition; unequal depth; many genes with empty groups.
case <- c(0, 1, 0, 1, 1, 0, 1, 0, 1)
batch <- factor(c(1, 1, 2, 2, 2, 1, 1, 2, 3))
batch[9] <- 1
age <- c(31, 44, 52, 38, 61, 27, 70, 49, 55)
fit_cohort("covariates", made_up(13, 400, case, NULL, 0.3, c(.1, .3, 1, .2, 2, .5, .05, 1, .4)), model.matrix(~ droplevels(batch) + age + case), 4)

# Few genes.
case <- rep(0:1, each = 4)
fit_cohort("few_genes", made_up(14, 40, case), model.matrix(~case), 2)

# Hardly more variable than Poisson: infinite prior df, and p bounded by the Poisson test.
case <- rep(0:1, each = 3)
fit_cohort("poisson", made_up(15, 300, case, NULL, 1e-5), model.matrix(~case), 2)

# Two donors in both conditions: one residual df, and dispersions without spread (infinite prior df).
case <- c(0, 0, 1, 1)
donor <- factor(c(1, 2, 1, 2))
fit_cohort("one_df", made_up(16, 300, case, donor, spread = 0), model.matrix(~ donor + case), 3)

# Many samples: the rule of filterByExpr for large groups.
case <- rep(0:1, c(13, 17))
fit_cohort("many", made_up(17, 150, case), model.matrix(~case), 2)

# Special functions and squeezing of variances alone.
set.seed(18)
s2 <- 0.5 * rchisq(120, 4) / 4 * (4 / rchisq(120, 6))
s2[c(3, 50)] <- 0
df <- rep(c(4, 4, 3, 4, 2), 24)
df[7] <- 0
covariate <- rnorm(120, 5, 2)
plain <- suppressWarnings(squeezeVar(s2, df))
trend <- suppressWarnings(squeezeVar(s2, df, covariate))
write_rows("squeeze.csv", "variance, df, covariate; prior and posterior variance, prior df without covariate; the same with",
           paste(digits(s2), df, digits(covariate), digits(rep_len(plain$var.prior, 120)), digits(plain$var.post), digits(rep_len(plain$df.prior, 120)),
                 digits(rep_len(trend$var.prior, 120)), digits(trend$var.post), digits(rep_len(trend$df.prior, 120)), sep = ","))

f <- expand.grid(F = c(1e-3, .5, 1, 4, 30, 500, 1e5), df1 = c(1, 2, 5), df2 = c(.7, 3, 12.5, 200, 1e5, Inf))
write_rows("p_values.csv", "F, df1, df2, log10 p; chi-squared, df, log10 p",
           c(paste("f", digits(f$F), f$df1, f$df2, digits(pf(f$F, f$df1, f$df2, lower.tail = FALSE, log.p = TRUE) / log(10)), sep = ","),
             with(expand.grid(x = c(.01, 1, 3.84, 40, 900), df = c(1, 2, 7)), paste("chi", digits(x), df, digits(pchisq(x, df, lower.tail = FALSE, log.p = TRUE) / log(10)), sep = ","))))
x <- c(1e-3, .1, .5, 1, 1.5, 2, 5, 9.99, 10, 40, 1e4, 1e8)
write_rows("gamma.csv", "x, digamma, trigamma, inverse of trigamma, log gamma", paste(digits(x), digits(digamma(x)), digits(trigamma(x)), digits(trigammaInverse(x)), digits(lgamma(x)), sep = ","))
