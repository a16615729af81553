//! What the classes of all indexes of points share, word for word: taking points in, changing them,
//! telling their number.

/// The methods of one class, whose field `index` is [`Owned`](crate::owned::Owned). Node-API exports
/// no generic methods, so they are spelt out for each class by this macro.
macro_rules! point_index_methods {
    ($class:ident) => {
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
                let data = x.copy();
                self.index
                    .change(&env, "fitSync", Threads::All, |index, control| {
                        Ok(index.fit(data.into_points(dim as usize)?, control)?)
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
