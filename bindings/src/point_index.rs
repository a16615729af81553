//! What the classes of all indexes of points share, word for word: taking points in, changing them,
//! searching, telling their number.

/// The methods of one class, whose field `index` is [`Owned`](crate::owned::Owned). Node-API exports
/// no generic methods, so they are spelt out for each class by this macro. Classes differ in the
/// settings of a search, of which a function makes the engine's options, and in what the engine's
/// methods that take these are called.
macro_rules! point_index_methods {
    (
        class: $class:ident,
        options: $options:ident($($setting:ident: $type:ty),+),
        search: $search:ident,
        evaluate: $evaluate:ident,
    ) => {
        impl ObjectFinalize for $class {
            fn finalize(self, env: Env) -> napi::Result<()> {
                self.index.release(&env);
                Ok(())
            }
        }

        #[napi]
        impl $class {
            /// Replace the points by rows of `dim` values.
            #[napi(catch_unwind, ts_return_type = "Promise<void>")]
            pub fn fit(
                &self,
                x: Values,
                dim: f64,
                control: &Control,
            ) -> napi::Result<AsyncTask<Task<()>>> {
                let data = x.copy();
                let task = self.index.change_later(
                    "fit",
                    control,
                    Threads::All,
                    move |index, control| Ok(index.fit(data.into_points(dim as usize)?, control)?),
                )?;
                Ok(task.into())
            }

            /// `fit`, within the call.
            #[napi(catch_unwind)]
            pub fn fit_sync(&self, env: Env, x: Values, dim: f64) -> napi::Result<()> {
                let rows = x.view("x", dim)?;
                self.index
                    .change(&env, "fitSync", Threads::All, |index, control| {
                        Ok(index.fit_rows(&rows, control)?)
                    })
            }

            /// Add rows; their ids.
            #[napi(catch_unwind, ts_return_type = "Promise<Uint32Array>")]
            pub fn store(
                &self,
                x: Values,
                dim: f64,
                control: &Control,
            ) -> napi::Result<AsyncTask<Task<Array<u32>>>> {
                let data = x.copy();
                let task = self.index.change_later(
                    "storeVecs",
                    control,
                    Threads::All,
                    move |index, control| {
                        let rows = data.view("x", dim as usize)?;
                        Ok(Array(index.store(&rows, control)?.collect()))
                    },
                )?;
                Ok(task.into())
            }

            /// `store`, within the call.
            #[napi(catch_unwind, ts_return_type = "Uint32Array")]
            pub fn store_sync(&self, env: Env, x: Values, dim: f64) -> napi::Result<Array<u32>> {
                let rows = x.view("x", dim)?;
                self.index
                    .change(&env, "storeVecsSync", Threads::All, |index, control| {
                        Ok(Array(index.store(&rows, control)?.collect()))
                    })
            }

            /// Add one row; its id.
            #[napi(catch_unwind)]
            pub fn store_one(&self, env: Env, v: Values) -> napi::Result<u32> {
                let row = one_row(&v)?;
                let threads = self.index.threads_for_one("storeVec")?;
                self.index
                    .change(&env, "storeVec", threads, |index, control| {
                        let ids = index.store(&row, control);
                        Ok(ids
                            .map_err(|error| Failure::from(error).naming_rows("v"))?
                            .start)
                    })
            }

            /// Delete a point; how many went.
            #[napi(catch_unwind)]
            pub fn delete(&self, env: Env, id: u32) -> napi::Result<f64> {
                self.index
                    .change(&env, "deleteVec", Threads::One, |index, _| {
                        Ok(index.delete(id)? as f64)
                    })
            }

            /// Delete the points equal to this vector; how many went.
            #[napi(catch_unwind)]
            pub fn delete_equal(&self, env: Env, v: Values) -> napi::Result<f64> {
                let row = one_row(&v)?;
                self.index
                    .change(&env, "deleteVec", Threads::One, |index, _| {
                        Ok(index.delete_equal(&row)? as f64)
                    })
            }

            /// Replace the vector of a point.
            #[napi(catch_unwind)]
            pub fn update(&self, env: Env, id: u32, v: Values) -> napi::Result<()> {
                let row = one_row(&v)?;
                let threads = self.index.threads_for_one("updateVec")?;
                self.index.change(&env, "updateVec", threads, |index, _| {
                    Ok(index.update(id, &row)?)
                })
            }

            /// Forget the points, keep the options.
            #[napi(catch_unwind)]
            pub fn reset(&self, env: Env) -> napi::Result<()> {
                self.index
                    .change(&env, "reset", Threads::One, |index, _| Ok(index.reset()?))
            }

            /// The `k` nearest of each row, or of those that `filter` admits.
            #[allow(clippy::too_many_arguments)]
            #[napi(catch_unwind, ts_return_type = "Promise<RawNeighbors>")]
            pub fn search(
                &self,
                x: Values,
                dim: f64,
                $($setting: $type,)+
                control: &Control,
            ) -> napi::Result<AsyncTask<Task<RawNeighbors>>> {
                let data = x.copy();
                let threads = threads_for(row_count(&data, dim));
                let options = $options($($setting),+);
                let options = self.index.get("search")?.as_of_now(options);
                let task =
                    self.index
                        .ask_later("search", control, threads, move |index, control| {
                            let rows = data.view("x", dim as usize)?;
                            check_size("k", rows.rows(), options.k)?;
                            Ok(index.$search(&rows, &options, control)?.into())
                        })?;
                Ok(task.into())
            }

            /// `search`, within the call.
            #[allow(clippy::too_many_arguments)]
            #[napi(catch_unwind)]
            pub fn search_sync(
                &self,
                x: Values,
                dim: f64,
                $($setting: $type),+
            ) -> napi::Result<RawNeighbors> {
                let rows = x.view("x", dim)?;
                let threads = threads_for(rows.rows());
                let options = $options($($setting),+);
                self.index.ask("searchSync", threads, |index, control| {
                    check_size("k", rows.rows(), options.k)?;
                    Ok(index.$search(&rows, &options, control)?.into())
                })
            }

            /// Recall and time of `search` on these queries.
            #[allow(clippy::too_many_arguments)]
            #[napi(catch_unwind, ts_return_type = "Promise<RawEvaluation>")]
            pub fn evaluate(
                &self,
                queries: Values,
                dim: f64,
                $($setting: $type,)+
                control: &Control,
            ) -> napi::Result<AsyncTask<Task<RawEvaluation>>> {
                let data = queries.copy();
                let options = $options($($setting),+);
                let options = self.index.get("evaluate")?.as_of_now(options);
                let task = self.index.ask_later(
                    "evaluate",
                    control,
                    Threads::All,
                    move |index, control| {
                        let rows = data.view("queries", dim as usize)?;
                        check_size("k", rows.rows(), options.k)?;
                        evaluation(index.$evaluate(&rows, &options, control))
                    },
                )?;
                Ok(task.into())
            }

            /// `evaluate`, within the call.
            #[allow(clippy::too_many_arguments)]
            #[napi(catch_unwind)]
            pub fn evaluate_sync(
                &self,
                queries: Values,
                dim: f64,
                $($setting: $type),+
            ) -> napi::Result<RawEvaluation> {
                let rows = queries.view("queries", dim)?;
                let options = $options($($setting),+);
                self.index
                    .ask("evaluateSync", Threads::All, |index, control| {
                        check_size("k", rows.rows(), options.k)?;
                        evaluation(index.$evaluate(&rows, &options, control))
                    })
            }

            /// Give the memory back. Tasks under way keep their own reference.
            #[napi(catch_unwind)]
            pub fn dispose(&self, env: Env) {
                self.index.release(&env);
            }

            /// The vector of a point.
            #[napi(catch_unwind, ts_return_type = "Float32Array | null")]
            pub fn vector(&self, id: u32) -> napi::Result<Option<Array<f32>>> {
                self.index.ask("getVec", Threads::One, |index, _| {
                    Ok(index.vector(id).map(Array))
                })
            }

            /// Points stored and not deleted.
            #[napi(getter, catch_unwind)]
            pub fn size(&self) -> napi::Result<f64> {
                Ok(self.index.get("size")?.size() as f64)
            }

            /// Vector length, when known.
            #[napi(getter, catch_unwind)]
            pub fn dim(&self) -> napi::Result<Option<f64>> {
                Ok(self.index.get("dim")?.dim().map(|dim| dim as f64))
            }

            /// Whether `dispose` was called.
            #[napi(getter, catch_unwind)]
            pub fn disposed(&self) -> bool {
                self.index.is_disposed()
            }
        }
    };
}

pub(crate) use point_index_methods;
